/**
 * `make release`: what a version is published as, in dist/: the bundle for this platform, the manifests, the bill of
 * materials of what ships, and the checksums of all three. Two runs on one commit write the same bytes.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { writeBundle } from "./bundle.ts";
import { buildVersion } from "./version.ts";

const root = join(import.meta.dirname, "../..");

function run(command: string, args: readonly string[], cwd = root): Buffer {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    maxBuffer: 256 * 1024 * 1024,
    env: { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}` },
  });
  if (status !== 0) throw new Error(`${command} ${args[0] ?? ""} failed: ${stderr}`, { cause: error });
  return stdout;
}

/** The time of the commit, so that the day of the build is in no archive. */
function commitTime(): string {
  const { status, stdout } = spawnSync("git", ["log", "-1", "--format=%ct"], { cwd: root, encoding: "utf8" });
  return process.env.SOURCE_DATE_EPOCH ?? (status === 0 ? stdout.trim() : "0");
}

interface Bill {
  readonly metadata: { readonly component: Readonly<Record<string, unknown>> };
}

/**
 * What ships, as npm knows it. npm calls it by the folder's name, gives it a purl that would be somebody else's package,
 * and makes a number and a time of its own at each run.
 */
function billOfMaterials(version: string): string {
  const { serialNumber: _, ...bill } = JSON.parse(
    run("npm", ["sbom", "--sbom-format=cyclonedx", "--omit=dev"]).toString(),
  ) as Bill & { readonly serialNumber: string };
  const { purl: _purl, ...component } = bill.metadata.component;
  const told = {
    ...bill,
    metadata: {
      ...bill.metadata,
      timestamp: new Date(Number(commitTime()) * 1000).toISOString(),
      component: { ...component, type: "application", name: "dex", version },
    },
  };
  // A UUID of the content. RFC 9562 §5.8.
  const digest = createHash("sha256").update(JSON.stringify(told)).digest("hex");
  const uuid = digest.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, "$1-$2-8$3-8$4-$5");
  return `${JSON.stringify({ ...told, serialNumber: `urn:uuid:${uuid}` }, undefined, 2)}\n`;
}

/** `folder` as an archive in which everything lies below `top`. */
function archive(file: string, folder: string, top: string): void {
  const tar = `tar --sort=name --mtime=@${commitTime()} --owner=0 --group=0 --numeric-owner --format=gnu`;
  run("sh", ["-c", `${tar} --transform="s,^\\.,$3," -C "$2" -c . | gzip -9n >"$1"`, "sh", file, folder, top]);
}

/** Writes the release into `folder` and returns the names of its files. @throws {Error} tar, gzip or npm fails. */
export async function writeRelease(folder: string, version = buildVersion(root)): Promise<readonly string[]> {
  mkdirSync(folder, { recursive: true });
  const work = mkdtempSync(join(tmpdir(), "dex-release-"));
  try {
    await writeBundle(work, version);
    const [bundle, manifests, materials] = [
      `dex-${version}-${process.platform}-${process.arch}.tar.gz`,
      `dex-${version}-deploy.tar.gz`,
      `dex-${version}-sbom.cdx.json`,
    ] as const;
    archive(join(folder, bundle), work, `dex-${version}`);
    archive(join(folder, manifests), join(root, "deploy"), `dex-${version}-deploy`);
    writeFileSync(join(folder, materials), billOfMaterials(version));
    const files = [bundle, manifests, materials];
    const sums = files.map(
      (name) =>
        `${createHash("sha256")
          .update(readFileSync(join(folder, name)))
          .digest("hex")}  ${name}\n`,
    );
    writeFileSync(join(folder, "SHA256SUMS"), sums.join(""));
    return [...files, "SHA256SUMS"];
  } finally {
    rmSync(work, { recursive: true });
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { out: { type: "string", default: join(root, "dist") } } });
  for (const file of await writeRelease(resolve(values.out))) console.log(file);
}
