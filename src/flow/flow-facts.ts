import { hash } from "node:crypto";
import type { SpanFacts } from "../kernel/span.ts";
import type { FlowRequest } from "./contract.ts";

/**
 * What the spans of one login have in common: a browser sends no `traceparent`, so each of its requests is a trace.
 * The flow's id itself opens nothing, but has no business outside.
 */
export const flowFacts = ({ flowId, clientId }: Pick<FlowRequest, "flowId" | "clientId">): SpanFacts => ({
  "dex.flow": hash("sha256", flowId).slice(0, 16),
  "dex.client.id": clientId,
});
