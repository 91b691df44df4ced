/**
 * `make executable`: the bundle and Node in one file, dist/dex, for a machine like this one. It needs nothing beside it;
 * where it unpacks itself to is said in `executable-main.ts`.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { inject } from "postject";
import { writeBundle } from "./bundle.ts";
import { buildVersion } from "./version.ts";

const root = join(import.meta.dirname, "../..");

/** What Node looks for in itself. Node.js: Single executable applications. */
const sentinelFuse = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";

/** The files of the bundle that the executable carries, by their names in it: no maps, and no commands for a shell. */
function carriedFiles(bundle: string): Readonly<Record<string, string>> {
  const names = globSync("**/*", { cwd: bundle, exclude: ["bin"] }).filter(
    (name) => !name.endsWith(".map") && statSync(join(bundle, name)).isFile(),
  );
  return Object.fromEntries(names.toSorted().map((name) => [name, join(bundle, name)]));
}

function idOf(files: Readonly<Record<string, string>>): string {
  const digest = createHash("sha256");
  for (const [name, path] of Object.entries(files)) digest.update(`${name}\0`).update(readFileSync(path)).update("\0");
  return digest.digest("hex").slice(0, 32);
}

/** Writes the executable. @throws {Error} Node makes none. */
export async function writeExecutable(
  file: string,
  version = buildVersion(root),
  node = process.execPath,
): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), "dex-executable-"));
  try {
    const bundle = join(work, "bundle");
    await writeBundle(bundle, version);
    const at = (name: string): string => join(work, name);
    await build({
      entryPoints: [join(root, "scripts/package/executable-main.ts")],
      outfile: at("main.cjs"),
      bundle: true,
      format: "cjs",
      platform: "node",
      target: "node24",
      logLevel: "warning",
    });
    writeFileSync(join(bundle, "start.cjs"), "module.exports = (entry) => import(entry);\n");
    const files = carriedFiles(bundle);
    writeFileSync(at("id"), idOf(files));
    const config = {
      main: at("main.cjs"),
      output: at("blob"),
      disableExperimentalSEAWarning: true,
      // As bin/dex has it.
      execArgv: ["--min-semi-space-size=2", "--max-semi-space-size=4"],
      assets: { id: at("id"), ...files },
    };
    writeFileSync(at("config.json"), JSON.stringify(config));
    const { status, stderr } = spawnSync(node, ["--experimental-sea-config", at("config.json")], { encoding: "utf8" });
    if (status !== 0) throw new Error(`${node} made nothing to put into an executable: ${stderr}`);
    mkdirSync(dirname(file), { recursive: true });
    // Another file, not other content: somebody may be running the old one.
    rmSync(file, { force: true });
    copyFileSync(node, file);
    await inject(file, "NODE_SEA_BLOB", readFileSync(at("blob")), { sentinelFuse });
    chmodSync(file, 0o755);
  } finally {
    rmSync(work, { recursive: true });
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { out: { type: "string", default: join(root, "dist/dex") } } });
  const file = resolve(values.out);
  await writeExecutable(file);
  console.log(`${relative(process.cwd(), file)}: ${(statSync(file).size / 1e6).toFixed(0)} MB`);
}
