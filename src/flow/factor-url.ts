import type { AuthRequest } from "../storage/records.ts";
import type { FlowContext, FlowDeps } from "./contract.ts";
import type { Factor } from "./factor-contract.ts";
import { stepMac } from "./step-mac.ts";

const pathOf = { TOTP: "/mfa/totp", WebAuthn: "/mfa/webauthn" } as const satisfies Record<Factor["type"], string>;

/** Where `record` proves or enrols `factor`, in this browser. compat(dex): server/mfa. */
export function factorUrl(
  record: AuthRequest,
  factor: Factor,
  { browsers }: Pick<FlowContext, "browsers">,
  { policy }: Pick<FlowDeps, "policy">,
): string {
  const hmac = stepMac(record, `authenticator:${factor.id}`, browsers);
  return `${policy.issuerPath}${pathOf[factor.type]}?${new URLSearchParams({ authenticator: factor.id, hmac, req: record.id })}`;
}
