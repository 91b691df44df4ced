import type { Clock, Millis } from "../../../kernel/ports.ts";
import { LdapTimeoutError } from "./errors.ts";

/** Runs `work` with a signal that aborts as `signal` does, and after `span` with {@link LdapTimeoutError}. */
export async function within<T>(
  span: Millis,
  clock: Clock,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const ending = new AbortController();
  const over = new AbortController();
  signal.addEventListener("abort", () => ending.abort(signal.reason), { once: true, signal: over.signal });
  clock.sleep(span, over.signal).then(
    () => ending.abort(new LdapTimeoutError(`no answer within ${span / 1000} s`)),
    // Over in time.
    () => undefined,
  );
  try {
    return await work(ending.signal);
  } finally {
    over.abort();
  }
}
