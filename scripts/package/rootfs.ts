/**
 * `rootfs.ts --dist DIST --out FOLDER`: everything that the container image holds, as a folder: Node, the libraries it
 * is linked with, the bundle and Dex's paths. No shell, no package manager. The Dockerfile copies it into an empty
 * image; a test enters it with chroot.
 */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { addCompiledCode } from "./compiled.ts";

const root = join(import.meta.dirname, "../..");
/** compat(dex): Dockerfile. */
const user = 1001;
const home = "/usr/local/lib/dex";
const compiled = "/usr/local/lib/dex-compiled";

/** Libraries that are opened by name while the server runs, where this machine has them: names, and Kerberos. */
const openedByName = ["libresolv.so.2", "libnss_dns.so.2", "libnss_files.so.2", "libgssapi_krb5.so.2"];

const executable = (folder: string, path: string, text: string): void => {
  writeFileSync(join(folder, path), text);
  chmodSync(join(folder, path), 0o755);
};

/** A command without a shell: the kernel starts Node with it. */
const command = (entry: string, more = ""): string => `#!/usr/local/bin/node --max-semi-space-size=4
"use strict";
// Signing runs in libuv's pool: one thread a core. Said before anything has used the pool, or it is too late.
process.env.UV_THREADPOOL_SIZE ||= String(Math.max(2, require("node:os").availableParallelism()));
${more}import(${JSON.stringify(entry)});
`;

/** The shared libraries that `file` needs, found by the system's own loader. */
function librariesOf(file: string): readonly string[] {
  const { status, stdout, stderr } = spawnSync("ldd", [file], { encoding: "utf8" });
  if (status !== 0) throw new Error(`ldd ${file}: ${stderr}`);
  return [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path = ""]) => path);
}

function findLibrary(name: string): string | undefined {
  const { stdout } = spawnSync("ldconfig", ["-p"], {
    encoding: "utf8",
    env: { PATH: "/usr/sbin:/sbin:/usr/bin:/bin" },
  });
  return new RegExp(`^\\s*${name.replaceAll(".", "\\.")} .*=> (\\S+)$`, "m").exec(stdout ?? "")?.[1];
}

function copyLibraries(folder: string, programs: readonly string[]): void {
  const named = openedByName.flatMap((name) => findLibrary(name) ?? []);
  const all = new Set([...named, ...[...programs, ...named].flatMap(librariesOf)]);
  for (const library of all) {
    mkdirSync(join(folder, dirname(library)), { recursive: true });
    copyFileSync(realpathSync(library), join(folder, library));
  }
}

/** Writes the image's content. `dist` is a bundle. @throws {Error} A part of it is not on this machine. */
export async function writeRootfs(folder: string, dist: string, node = process.execPath): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  for (const path of [
    "etc/dex",
    "etc/ssl/certs",
    "proc",
    "srv/dex",
    "tmp",
    "usr/local/bin",
    "usr/local/lib",
    "var/dex",
  ]) {
    mkdirSync(join(folder, path), { recursive: true, mode: 0o755 });
  }
  chmodSync(join(folder, "tmp"), 0o1777);
  const ours = join(folder, "usr/local/bin/node");
  copyFileSync(realpathSync(node), ours);
  chmodSync(ours, 0o755);
  // Names of functions for debuggers. Where there is no `strip` the image is larger, and as good.
  spawnSync("strip", [ours]);
  for (const part of ["dex.mjs", "lib", "node_modules", "LICENSE"]) {
    cpSync(join(dist, part), join(folder, home, part), { recursive: true, filter: (path) => !path.endsWith(".map") });
  }
  copyLibraries(folder, [
    ours,
    ...globSync("**/*.node", { cwd: join(folder, home) }).map((addon) => join(folder, home, addon)),
  ]);
  executable(folder, "usr/local/bin/dex", command(`${home}/dex.mjs`, readCompiled));
  executable(folder, "usr/local/bin/docker-entrypoint", command(`${home}/lib/docker-entrypoint.mjs`, quiet));
  symlinkSync(`../..${home}/lib/assets`, join(folder, "srv/dex/web"));
  writeFileSync(join(folder, "etc/passwd"), `root:x:0:0:root:/:/none\ndex:x:${user}:${user}:dex:/var/dex:/none\n`);
  writeFileSync(join(folder, "etc/group"), `root:x:0:\ndex:x:${user}:\n`);
  writeFileSync(join(folder, "etc/nsswitch.conf"), "hosts: files dns\n");
  const authorities = "etc/ssl/certs/ca-certificates.crt";
  if (existsSync(`/${authorities}`)) copyFileSync(`/${authorities}`, join(folder, authorities));
  copyFileSync(join(root, "deploy/docker/config.docker.yaml"), join(folder, "etc/dex/config.docker.yaml"));
  for (const path of ["etc/dex", "etc/dex/config.docker.yaml", "var/dex"]) chownSync(join(folder, path), user, user);
  await addCompiledCode(folder, compiled, user);
}

const readCompiled = `require("node:module").enableCompileCache(${JSON.stringify(compiled)});\n`;

/** Replacing the process is new in Node, which says so on standard error at each start. */
const quiet = `process.removeAllListeners("warning");\n`;

/** Bytes of the layer that a registry would store. */
export function layerSize(folder: string): number {
  const { status, stdout } = spawnSync("sh", ["-c", 'tar -C "$1" -c . | gzip -6 | wc -c', "sh", folder], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error("tar or gzip is missing");
  return Number(stdout.trim());
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      dist: { type: "string", default: join(root, "dist") },
      out: { type: "string", default: join(root, "dist/rootfs") },
    },
  });
  if (!readFileSync("/proc/self/status", "utf8").includes("Uid:\t0\t"))
    throw new Error("the owners of files can only be set by root");
  await writeRootfs(resolve(values.out), resolve(values.dist));
  console.log(`${values.out}: ${(layerSize(resolve(values.out)) / 1e6).toFixed(1)} MB compressed`);
}
