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
  /** Whom and what it was about, by the log's names: `client_id`, `connector_id`, `user_id`. No secrets, no tokens. */
  readonly about?: Fields;
}

/** Where the decisions of one request go. */
export interface Trail {
  note(decision: Decision): void;
}

/** For whom a decision was made. */
export interface Asker {
  readonly traceId: string;
  readonly clientIp: string;
}

/** One call of our API, as it begins or once it is over. Names are gRPC's: `api.Dex`, `ListClients`, `unary`, `OK`. */
export interface Rpc {
  readonly service: string;
  readonly method: string;
  readonly type: string;
}

/** Is told what happens: metrics, the audit and the trails stand behind it. Must not throw; costs next to nothing. */
export interface Observer {
  decided(decision: Decision, asker: Asker): void;
  /** One call of the database, `verb` of records of the kind `record`; `took` in milliseconds. */
  stored(record: string, verb: string, took: number, isOk: boolean): void;
  /** One HTTP call to others, named as operators do, "connector ldap". `status` 0: no answer. `took` in milliseconds. */
  called(dependency: string, status: number, took: number): void;
  /** A connector opened or did not, or its upstream went away or came back; by its id. Undefined: it is no more. */
  reached(connector: string, isThere: boolean | undefined): void;
  /** Records that expired and are gone, by kind. */
  collected(deleted: Readonly<Partial<Record<string, number>>>): void;
  /** The configuration was read anew, and the whole process goes on with it, or with the one it had. */
  reloaded(isTaken: boolean): void;
  /** The call is there to be made. */
  rpcServed(rpc: Rpc): void;
  rpcStarted(rpc: Rpc): void;
  /** `took` in milliseconds. */
  rpcHandled(rpc: Rpc, code: string, took: number): void;
}

/** Where nobody wants to know. */
export const noObserver: Observer = {
  decided: () => {},
  stored: () => {},
  called: () => {},
  reached: () => {},
  collected: () => {},
  reloaded: () => {},
  rpcServed: () => {},
  rpcStarted: () => {},
  rpcHandled: () => {},
};
