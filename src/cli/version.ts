import { version } from "../server/version.ts";

/** Node's name for a processor where Go, and so every image tag and package, has another. */
const goArch: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };

/** What we run on, in Dex's words. */
export const platform = {
  runtime: process.version,
  os: process.platform,
  arch: goArch[process.arch] ?? process.arch,
} as const;

/** compat(dex): three lines of `name: value`; where Dex names Go we name Node. */
export const versionText = (): string =>
  `Dex Version: ${version}\nNode Version: ${platform.runtime}\nNode OS/ARCH: ${platform.os} ${platform.arch}\n`;
