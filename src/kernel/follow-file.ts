import { type FSWatcher, watch } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { createTurns } from "./in-turn.ts";
import { type Clock, millis } from "./ports.ts";

const pollEvery = millis(5_000);
/** Between the first sign of a change and reading: whoever writes may not be done. */
const settle = millis(200);

/** Milliseconds until what could not be used is tried once more. */
const secondTry = 60_000;

export interface FollowOptions {
  readonly path: string;
  /** What was read at the beginning. */
  readonly known: Uint8Array;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called with each new content, one after the other. False: it could not be used. Must not reject. */
  readonly onChange: (content: Uint8Array) => Promise<boolean>;
}

/**
 * Follows a file by content, so it does not matter how it is replaced: written in place, renamed over, or, as
 * Kubernetes does, by swapping a link in the folder (`..data`), of which no event carries the file's name. Looks every
 * five seconds and soon after its folder changes. The returned function hands the content over whether it has changed or
 * not; called many times it does so once more after the one that is under way. What could not be used is handed over
 * again after a while: what stood in its way may be gone. A file that is missing for a moment has not changed.
 */
export function followFile({ path, known, clock, signal, onChange }: FollowOptions): () => Promise<void> {
  let seen = Buffer.from(known);
  let tryAgainAt = Number.POSITIVE_INFINITY;
  const look = async (isAsked: boolean): Promise<void> => {
    const found = await readFile(path).catch(() => seen);
    if (!isAsked && found.equals(seen) && clock.now() < tryAgainAt) return;
    seen = found;
    tryAgainAt = (await onChange(found)) ? Number.POSITIVE_INFINITY : clock.now() + secondTry;
  };
  let asked: Promise<void> | undefined;
  // One at a time, or an older reading could overtake a newer one.
  const inTurn = createTurns();
  const lookNow = (): Promise<void> => inTurn(() => look(false));
  const lookAsked = async (): Promise<void> => {
    asked = undefined;
    await look(true);
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
  return () => {
    asked ??= inTurn(lookAsked);
    return asked;
  };
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
