/**
 * What `dist/dex` does first: it unpacks the bundle that it carries, once for each build, and starts it from there.
 * Threads, native addons and chunks that are loaded lazily have to be files. esbuild makes it CommonJS.
 */
import { existsSync, lstatSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join, sep } from "node:path";
import { getAsset, getAssetKeys } from "node:sea";

/** Whoever can write to a folder of code decides what we run. @throws {Error} It is not this user's alone. */
function mustBeOurs(path: string): void {
  const stat = lstatSync(path);
  if (!stat.isDirectory() || stat.uid !== process.getuid?.() || (stat.mode & 0o022) !== 0) {
    throw new Error(`${path} must be a folder that nobody but this user can write to`);
  }
}

/** Makes a folder of ours in the cache of this user, or where there is none in the one for temporary files. */
function openPlace(): string {
  const { XDG_CACHE_HOME: cache, HOME: home } = process.env;
  const faults: unknown[] = [];
  for (const [base, name] of [
    [cache, "dex"],
    [home && join(home, ".cache"), "dex"],
    [tmpdir(), `dex-${process.getuid?.() ?? 0}`],
  ] as const) {
    if (base === undefined || base === "") continue;
    try {
      const place = join(base, name);
      mkdirSync(place, { recursive: true, mode: 0o700 });
      mustBeOurs(place);
      return place;
    } catch (error) {
      faults.push(error);
    }
  }
  throw new AggregateError(faults, "there is no folder to unpack to: set XDG_CACHE_HOME to one that can be written to");
}

/** The bundle of this build, as files. Two that start at once both unpack, and one of them is first. */
function unpack(): string {
  const place = openPlace();
  const folder = join(place, `bundle-${getAsset("id", "utf8")}`);
  if (!existsSync(folder)) {
    const work = mkdtempSync(join(place, "unpacking-"));
    for (const key of getAssetKeys()) {
      if (key === "id") continue;
      mkdirSync(dirname(join(work, key)), { recursive: true, mode: 0o700 });
      writeFileSync(join(work, key), new Uint8Array(getAsset(key)), { mode: 0o600 });
    }
    try {
      renameSync(work, folder);
    } catch (error) {
      rmSync(work, { recursive: true });
      if (!existsSync(folder)) throw error;
    }
  }
  mustBeOurs(folder);
  return folder;
}

// Signing runs in libuv's pool: one thread a core. Said before anything has used the pool, or it is too late.
process.env.UV_THREADPOOL_SIZE ||= String(Math.max(2, availableParallelism()));
const folder = unpack();
const given = process.argv[2] ?? "";
// A process that was forked runs this program too, and is handed its own entry.
const isForked = process.send !== undefined && given.startsWith(folder + sep);
if (isForked) process.argv.splice(1, 1);
const start = createRequire(join(folder, "start.cjs"))("./start.cjs") as (entry: string) => Promise<unknown>;
void start(isForked ? given : join(folder, "dex.mjs"));
