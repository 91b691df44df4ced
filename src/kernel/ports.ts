/**
 * The kernel owns what every room needs and nothing of the protocol: time, chance, ids, secrets,
 * the log, the trail of decisions. It imports nothing of ours. Everything with an effect stands
 * behind one of the small interfaces below, so that a test can wind the clock and count the dice.
 */

/** A span of time in milliseconds. The wire speaks seconds; only `token/` and `http/` convert. */
export type Millis = number & { readonly unit: "ms" };

/** `count` milliseconds as a span. */
export const millis = (count: number): Millis => count as Millis;

/** The only source of time. Tests wind it by hand. */
export interface Clock {
  /** Now, in milliseconds since the epoch. */
  now(): number;
  /** Resolves after `span`. Rejects with `signal.reason` if the signal aborts first. */
  sleep(span: Millis, signal: AbortSignal): Promise<void>;
}

/** The only source of codes, ids, nonces and salts. */
export interface Random {
  /** `count` bytes fit for a key. A bearer value takes at least 16, better 20. RFC 6749 §10.10. */
  bytes(count: number): Uint8Array;
}

/** What a log field or a trail may hold. A {@link Secret} prints as "[secret]". */
export type FieldValue = string | number | boolean | Date | object | undefined;
export type Fields = Readonly<Record<string, FieldValue>>;

/** Structured log. `event` is what Dex's users grep for where Dex has the line; the rest goes into fields. */
export interface Logger {
  debug(event: string, fields?: Fields): void;
  info(event: string, fields?: Fields): void;
  warn(event: string, fields?: Fields, cause?: unknown): void;
  error(event: string, fields?: Fields, cause?: unknown): void;
  /** The same log with `fields` on every line. */
  with(fields: Fields): Logger;
}

/** One decision of a login. The log prints them under the trace id; tests assert on them. */
export interface Decision {
  /** What was asked, as `noun.question`: `session.reusable`. Stable, because docs and tests name it. */
  readonly check: string;
  readonly outcome: "pass" | "fail" | "skip" | "chose";
  /** Why, in one sentence an operator understands. No secrets, no tokens. */
  readonly because: string;
  /** The rule, "OIDC Core §3.1.2.3". Absent when it is our own policy. */
  readonly spec?: string;
}

/** Where the decisions of one request go. */
export interface Trail {
  note(decision: Decision): void;
}
