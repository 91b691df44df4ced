import { hash } from "node:crypto";
import type { SpanFacts } from "../kernel/span.ts";
import type { FlowRequest } from "./contract.ts";

/**
 * What the spans of one login have in common, also where its requests are traces of their callers' own. The flow's id
 * itself opens nothing, but has no business outside.
 */
export const flowFacts = ({ flowId, clientId }: Pick<FlowRequest, "flowId" | "clientId">): SpanFacts => ({
  "dex.flow": hash("sha256", flowId).slice(0, 16),
  "dex.client.id": clientId,
});
