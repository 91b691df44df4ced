/**
 * Where a piece of work belongs in the trace of its request. Who opens a span knows no more than this file: without
 * traces there is no current span, and {@link inSpan} calls the work and nothing else.
 */
import { AsyncLocalStorage } from "node:async_hooks";

/** Facts about a span, by OpenTelemetry's names where it has one. No secrets, no tokens, no names of people. */
export type SpanFacts = Readonly<Record<string, string | number | boolean>>;

/** `client`: the work is done by somebody else, whom we ask. */
export type SpanKind = "internal" | "client";

/** A piece of work with a beginning, an end, and a place among others. */
export interface Span {
  /** How it is told to those whom we ask. W3C Trace Context §3.2. */
  readonly traceparent: string;
  child(name: string, kind: SpanKind, facts: SpanFacts): Span;
  /** Something that happened in it. */
  note(event: string, facts: SpanFacts): void;
  add(facts: SpanFacts): void;
  /**
   * The request that this work belongs to goes on with what began under `traceparent`, one of ours: it becomes a part of
   * that trace. Where it is part of another one already, because its caller says so, both are linked.
   */
  follow(traceparent: string): void;
  /** The work did not succeed; `type` says in one word why. */
  fail(type: string): void;
  end(): void;
}

/**
 * Begins a trace of our own, or our part of the caller's. `moved` hears the id of the trace that a request without a
 * caller turns out to belong to: {@link Span.follow}.
 */
export type BeginTrace = (
  name: string,
  caller: TraceCaller,
  facts: SpanFacts,
  moved?: (traceId: string) => void,
) => Span;

/** Where a request comes from. `traceparent` must have been checked, and belong to `traceId`; absent: nobody sent one. */
export interface TraceCaller {
  readonly traceId: string;
  readonly traceparent: string | undefined;
}

const current = new AsyncLocalStorage<Span>();

/** The span that the running code belongs to; undefined without traces. */
export const currentSpan = (): Span | undefined => current.getStore();

/**
 * One login is many requests, and a browser sends no `traceparent` with them. What carries the login from one to the next
 * carries the trace of the first as well. Undefined: nobody traced it.
 */
export function followTrace(traceparent: string | undefined): void {
  if (traceparent !== undefined) currentSpan()?.follow(traceparent);
}

/** Runs `work` as part of nothing: what a request sets off and goes on without it. */
export const detached = <T>(work: () => T): T => current.exit(work);

/** Runs `work` as a part of the current span. A fault is noted by its kind alone: messages are for the log. */
export function inSpan<T>(
  name: string,
  work: () => Promise<T>,
  facts: SpanFacts = {},
  kind: SpanKind = "internal",
): Promise<T> {
  const parent = current.getStore();
  return parent === undefined ? work() : runIn(parent.child(name, kind, facts), work);
}

/** Runs `work` in `span`, and ends it. `isFault`: whether what it threw is a failure of ours. */
export async function runIn<T>(
  span: Span,
  work: () => Promise<T> | T,
  isFault: (error: unknown) => boolean = () => true,
): Promise<T> {
  try {
    return await current.run(span, work);
  } catch (error) {
    if (isFault(error)) span.fail(kindOf(error));
    throw error;
  } finally {
    span.end();
  }
}

/** `OAuthError invalid_grant`, `UnavailableError`. */
function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  return "code" in error && typeof error.code === "string" ? `${error.name} ${error.code}` : error.name;
}
