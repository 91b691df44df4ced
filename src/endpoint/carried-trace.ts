/**
 * Between the choice of a connector and the login at it there is nothing but an address, which then says which trace both
 * belong to, by the name of the header that a browser does not send. It proves nothing, as that header does not.
 */
import { acceptedTraceId } from "../http/trace-id.ts";
import { currentSpan, followTrace } from "../kernel/span.ts";
import type { MergedParams } from "./authorization-params.ts";

export const traceParam = "traceparent";

/** `query` with the current trace; as it is without traces. */
export function withTrace(query: string): string {
  const span = currentSpan();
  return span === undefined ? query : `${query}&${traceParam}=${span.traceparent}`;
}

export function followAddress(params: MergedParams): void {
  const named = params.get(traceParam);
  if (acceptedTraceId(named) !== undefined) followTrace(named);
}
