import type { Random } from "../kernel/ports.ts";

/** Version, trace id, parent id, flags; a later version may append more. W3C Trace Context §3.2. */
const traceparentShape = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/;

/**
 * The caller's trace id if its `traceparent` is valid, else a new one. Anybody may choose the id this way,
 * hence it names log lines and proves nothing.
 *
 * It goes back as `X-Trace-Id`, because `traceparent` is defined for requests only (the response header of
 * W3C Trace Context 2 is a draft), and echoing it would claim a span of ours as the caller's parent.
 */
export function traceIdOf(traceparent: string | undefined, random: Random): string {
  return acceptedTraceId(traceparent) ?? Buffer.from(random.bytes(16)).toString("hex");
}

export function acceptedTraceId(traceparent: string | undefined): string | undefined {
  if (traceparent === undefined) return undefined;
  const match = traceparentShape.exec(traceparent);
  const [, version, traceId, parentId, rest] = match ?? [];
  if (version === undefined || traceId === undefined || parentId === undefined) return undefined;
  if (version === "ff" || (version === "00" && rest !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(parentId)) return undefined;
  return traceId;
}
