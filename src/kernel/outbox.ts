import { type Clock, type Millis, millis } from "./ports.ts";

/** What is in storage until somebody has it. Times in milliseconds since the epoch. */
export interface Delivery {
  readonly id: string;
  readonly attempts: number;
  readonly nextAttempt: number;
  readonly expiry: number;
}

export interface OutboxOptions<D extends Delivery> {
  readonly store: {
    /** Up to `size` of what waits; `from` is empty or the `next` of the page before; an empty `next` is the end. */
    page(from: string, size: number): Promise<{ readonly records: readonly D[]; readonly next: string }>;
    update(id: string, change: (current: D) => D): Promise<D | undefined>;
    delete(id: string): Promise<boolean>;
  };
  /** True: nothing is left to do with it. */
  readonly handOver: (claimed: D) => Promise<boolean>;
  /** Seconds from each attempt to the next; the last counts on. */
  readonly secondsBetween: readonly [number, ...number[]];
  /** What other replicas and earlier lives of this one left is looked for this often. Milliseconds. */
  readonly lookInterval: number;
  readonly mostAtOnce: number;
  /** Storage was away during an attempt. */
  readonly postponed: (delivery: D, error: unknown) => void;
  /** Storage was away when what waits was looked for. */
  readonly unreadable: (error: unknown) => void;
  readonly clock: Clock;
}

export interface Outbox<D extends Delivery> {
  /** It is in storage: tried as soon as it is due. */
  wait(delivery: D): void;
  /** Tries it now. True: nothing is left to do with it. */
  attempt(delivery: D): Promise<boolean>;
  /** Tries what is due, until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

const shortestPause = 1_000;
const pageSize = 100;
/** Deliveries that are kept in mind until they are due. Where more wait, storage is looked at when they are. */
const mostKept = 1_000;

/** After the attempt numbered `attempts`. */
const pauseAfter = (secondsBetween: readonly [number, ...number[]], attempts: number): Millis =>
  millis((secondsBetween[Math.max(attempts, 1) - 1] ?? secondsBetween.at(-1) ?? secondsBetween[0]) * 1000);

/**
 * Deliveries that are in storage before they are tried and leave it when nothing is left to do with them, so a receiver
 * that is away, or a server that dies in between, loses none. Replicas share the work: whoever moves `nextAttempt` on is
 * the one that tries.
 */
export function createOutbox<D extends Delivery>(options: OutboxOptions<D>): Outbox<D> {
  const { store, clock, secondsBetween, mostAtOnce } = options;
  /** What waits for its next attempt, by id: what is due before the next look, or some of it. */
  const waiting = new Map<string, D>();
  const trying = new Set<string>();
  let wake = new AbortController();
  let nextLook = clock.now();

  function keepInMind(delivery: D): void {
    if (waiting.size < mostKept) waiting.set(delivery.id, delivery);
    else nextLook = Math.min(nextLook, delivery.nextAttempt);
  }

  const wait = (delivery: D): void => {
    keepInMind(delivery);
    wake.abort();
  };

  async function attempt(delivery: D): Promise<boolean> {
    if (trying.has(delivery.id)) return false;
    trying.add(delivery.id);
    waiting.delete(delivery.id);
    try {
      return await tryOnce(delivery);
    } catch (error) {
      // The record is still due, and found again.
      options.postponed(delivery, error);
      wait({ ...delivery, nextAttempt: clock.now() + pauseAfter(secondsBetween, delivery.attempts + 1) });
      return false;
    } finally {
      trying.delete(delivery.id);
    }
  }

  async function tryOnce(delivery: D): Promise<boolean> {
    const claimed = await claim(delivery);
    if (claimed === undefined) return false;
    const isDone = await options.handOver(claimed);
    if (isDone) await store.delete(claimed.id);
    else if (claimed.nextAttempt < claimed.expiry) wait(claimed);
    return isDone;
  }

  /** Moves the next attempt on; undefined: somebody else has the delivery, or it has gone. */
  async function claim(delivery: D): Promise<D | undefined> {
    let claimed: D | undefined;
    await store.update(delivery.id, (current) => {
      claimed = undefined;
      if (current.attempts !== delivery.attempts) return current;
      const attempts = current.attempts + 1;
      claimed = { ...current, attempts, nextAttempt: clock.now() + pauseAfter(secondsBetween, attempts) };
      return claimed;
    });
    return claimed;
  }

  async function tryDue(deliveries: readonly D[], signal: AbortSignal): Promise<void> {
    const now = clock.now();
    const due = deliveries.filter(({ nextAttempt }) => nextAttempt <= now);
    for (let at = 0; at < due.length && !signal.aborted; at += mostAtOnce) {
      await Promise.all(due.slice(at, at + mostAtOnce).map(attempt));
    }
  }

  /** Walks over everything in storage, and tries on the way what is due. */
  async function look(signal: AbortSignal): Promise<void> {
    nextLook = clock.now() + options.lookInterval;
    for (let from = ""; ; ) {
      const { records, next } = await store.page(from, pageSize);
      const now = clock.now();
      const alive = records.filter(({ id, expiry }) => expiry > now && !trying.has(id) && !waiting.has(id));
      for (const delivery of alive) {
        if (delivery.nextAttempt > now && delivery.nextAttempt < nextLook) keepInMind(delivery);
      }
      await tryDue(alive, signal);
      await tryDue([...waiting.values()], signal);
      if (next === "" || signal.aborted) return;
      from = next;
    }
  }

  /** Until something is due, or waits that did not before. */
  async function rest(signal: AbortSignal): Promise<void> {
    let until = nextLook;
    for (const { nextAttempt } of waiting.values()) until = Math.min(until, nextAttempt);
    const pause = millis(Math.max(shortestPause, until - clock.now()));
    await clock.sleep(pause, AbortSignal.any([signal, wake.signal])).catch(() => undefined);
  }

  return {
    wait,
    attempt,
    async run(signal) {
      while (!signal.aborted) {
        wake = new AbortController();
        try {
          if (clock.now() >= nextLook) await look(signal);
          await tryDue([...waiting.values()], signal);
        } catch (error) {
          options.unreadable(error);
        }
        await rest(signal);
      }
    },
  };
}
