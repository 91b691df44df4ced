import type { ConnectorDeps, Login, LoginResult } from "../contract.ts";

type Refused = Extract<LoginResult, { readonly ok: false }>;

/** Says no to a person whom the upstream, or a restriction of ours, keeps out. Why goes to the trail and the log: the person is told less. */
export function keepOut<Reason extends Refused["reason"]>(
  reason: Reason,
  because: string,
  { trail }: Pick<Login, "trail">,
  { id, logger }: Pick<ConnectorDeps, "id" | "logger">,
): { readonly ok: false; readonly reason: Reason } {
  trail.note({ check: "upstream.account", outcome: "fail", because });
  logger.info("the upstream's answer keeps somebody out", { connector_id: id, reason, because });
  return { ok: false, reason };
}
