import { type FSWatcher, watch } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { type Clock, millis } from "./ports.ts";

const pollEvery = millis(5_000);
/** Between the first sign of a change and reading: whoever writes may not be done. */
const settle = millis(200);

export interface FollowOptions {
  readonly path: string;
  /** What was read at the beginning. */
  readonly known: Uint8Array;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called with each new content, one after the other. Must not reject. */
  readonly onChange: (content: Uint8Array) => Promise<void>;
}

/**
 * Follows a file by content, so it does not matter how it is replaced: written in place, renamed over, or, as
 * Kubernetes does, by swapping a link in the folder (`..data`), of which no event carries the file's name. Looks every
 * five seconds, soon after its folder changes, and when the returned function is called. A file that is gone for a
 * moment has not changed.
 */
export function followFile({ path, known, clock, signal, onChange }: FollowOptions): () => Promise<void> {
  let seen = Buffer.from(known);
  const look = async (): Promise<void> => {
    const found = await readFile(path).catch(() => seen);
    if (found.equals(seen)) return;
    seen = found;
    await onChange(found);
  };
  let last = Promise.resolve();
  const lookNow = (): Promise<void> => {
    // One at a time, or an older reading could overtake a newer one.
    last = last.then(look);
    return last;
  };
  const later = async (span: typeof settle): Promise<boolean> =>
    clock.sleep(span, signal).then(
      () => true,
      () => false,
    );
  void (async () => {
    while (await later(pollEvery)) await lookNow();
  })();
  let isPending = false;
  const watcher = watchFolder(dirname(path), async () => {
    if (isPending) return;
    isPending = true;
    const goesOn = await later(settle);
    isPending = false;
    if (goesOn) await lookNow();
  });
  signal.addEventListener("abort", () => watcher?.close(), { once: true });
  return lookNow;
}

/** Polling covers what it misses. */
function watchFolder(folder: string, onEvent: () => Promise<void>): FSWatcher | undefined {
  try {
    const watcher = watch(folder, { persistent: false }, () => void onEvent());
    return watcher.on("error", () => watcher.close());
  } catch {
    // Out of inotify watches, or a file system without them.
    return undefined;
  }
}
