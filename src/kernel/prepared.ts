/**
 * A change that is ready: nothing of it shows yet, and nothing of it can fail any more. One of both is called, once, and
 * at once, so that several of them change in one moment.
 */
export interface Prepared {
  commit(): void;
  /** What was opened for it is closed. */
  abandon(): void;
}

/** Of what does not change. */
export const noChange: Prepared = { commit: () => undefined, abandon: () => undefined };

/** Resolves once all of `changes` are ready. @throws What the first of them failed with, once all the others are abandoned. */
export async function allOrNone<P extends readonly { abandon(): void }[]>(
  changes: {
    readonly [K in keyof P]: Promise<P[K]>;
  },
): Promise<P> {
  const settled = await Promise.allSettled(changes);
  const failed = settled.find((each) => each.status === "rejected");
  if (failed === undefined) return Promise.all(changes) as Promise<P>;
  for (const each of settled) if (each.status === "fulfilled") each.value.abandon();
  throw failed.reason;
}
