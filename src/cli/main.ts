/**
 * The command line: arguments, the file, exit codes. The only room that sees the process. This file is the
 * entry: it imports nothing of ours before the compile cache is on, so that everything else comes out of it.
 */
import { lstatSync, mkdirSync } from "node:fs";
import { enableCompileCache, getCompileCacheDir } from "node:module";
import { constants } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";

/**
 * Keeps compiled code between starts. Only in a folder that belongs to the user alone: whoever can write to it
 * decides what we run, so a shared `/tmp` will not do. Where there is no such folder Node goes without. A container brings
 * its own.
 */
function keepCompiledCode(): void {
  if (getCompileCacheDir() !== undefined) return;
  const { XDG_CACHE_HOME: cache, HOME: home } = process.env;
  const folder = cache || (home && join(home, ".cache"));
  if (folder && isOursAlone(join(folder, "dex"))) enableCompileCache(join(folder, "dex", "compile-cache"));
}

function isOursAlone(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { uid, mode } = lstatSync(folder);
    return uid === process.getuid?.() && (mode & 0o022) === 0;
  } catch {
    return false; // A home that cannot be written to is nothing unusual.
  }
}

/**
 * A container's first process gets no signal that it has no handler for: a stop that comes while the server still starts
 * would be lost, and end in SIGKILL. Whoever handles the signal later is left to it.
 */
function hearStopsAsFirstProcess(): void {
  if (process.pid !== 1) return;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (process.listenerCount(signal) === 1) process.exit(128 + constants.signals[signal]);
    });
  }
}

hearStopsAsFirstProcess();
keepCompiledCode();
// The reader went away (`dex print-config … | head`): nobody is left to tell.
process.stdout.on("error", () => process.exit(0));

const { run } = await import("./run.ts");
const code = await run(process.argv.slice(2), {
  env: process.env,
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  readStdin: () => buffer(process.stdin),
  ask: async (question, isHidden = false) => (await import("./ask.ts")).ask(question, isHidden),
});
// Whatever a library left open must not keep a finished server alive. Standard output may be a slow pipe: wait for it.
process.stdout.write("", () => process.exit(code));
