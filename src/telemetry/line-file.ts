import { open, rename, stat } from "node:fs/promises";
import type { Logger } from "../kernel/ports.ts";

/** A file that lines are added to, in order, away from whoever has them. */
export interface LineFile {
  append(line: string): void;
  /** Resolves once everything so far is written. */
  flush(): Promise<void>;
}

export interface LineFileOptions {
  readonly path: string;
  readonly logger: Logger;
  /** Bytes after which the file becomes `PATH.1` and a new one begins. Undefined: it grows. */
  readonly ring?: number;
}

/** What waits for a slow disk at the most; more is lost, and the log says so. */
const mostWaiting = 50_000;

/** All lines of one turn of the event loop, or of one slow write, go out in one write. */
export function openLineFile({ path, logger, ring }: LineFileOptions): LineFile {
  let waiting: string[] = [];
  let lost = 0;
  let writing: Promise<void> | undefined;

  async function write(): Promise<void> {
    while (waiting.length > 0) {
      const lines = waiting;
      waiting = [];
      try {
        if (ring !== undefined) await turnOver(path, ring);
        const file = await open(path, "a", 0o600);
        try {
          await file.appendFile(lines.map((line) => `${line}\n`).join(""));
        } finally {
          await file.close();
        }
      } catch (error) {
        logger.error("lines could not be written", { path, lines: lines.length }, error);
      }
      if (lost > 0) logger.error("lines were lost: the disk is too slow", { path, lines: lost });
      lost = 0;
    }
  }

  return {
    append(line) {
      if (waiting.length >= mostWaiting) {
        lost++;
        return;
      }
      waiting.push(line);
      writing ??= Promise.resolve()
        .then(write)
        .finally(() => {
          writing = undefined;
        });
    },
    async flush() {
      while (writing !== undefined) await writing;
    },
  };
}

async function turnOver(path: string, ring: number): Promise<void> {
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  if (size >= ring) await rename(path, `${path}.1`);
}
