/**
 * Signing in with a passkey in place of a password: the device says who its person is and has recognised them. It stands
 * for the account as it is now, which the connector is asked for; docs/adr/0028-passkeys.md says for which connectors.
 */
import type { Identity, OpenConnector } from "../connector/contract.ts";
import { isFor } from "../token/factor-chain.ts";
import { identityOf } from "../token/identity-claims.ts";
import { loginOf } from "./begin-login.ts";
import { newCeremony, openCeremony, spendCeremony } from "./ceremony.ts";
import type { FlowContext, FlowDeps, FlowRequest } from "./contract.ts";
import type { FactorProof, WebauthnFactor } from "./factor-contract.ts";
import { userOfHandle } from "./user-handle.ts";
import { handleOf, proveKey, refused } from "./webauthn-answer.ts";
import { requestOptions } from "./webauthn-options.ts";

/** The authenticator whose keys sign people of this connector in; undefined: none does. */
const passkeyFactor = (
  { info, connector }: OpenConnector,
  { factors, sessions }: Pick<FlowDeps, "factors" | "sessions">,
): WebauthnFactor | undefined =>
  sessions === undefined || info.type !== "local" || connector.refresh === undefined
    ? undefined
    : factors.authenticators.find(
        (factor): factor is WebauthnFactor => factor.type === "WebAuthn" && factor.firstFactor && isFor(factor, info),
      );

/** What the page of a passkey holds. */
export interface PasskeyOffer {
  /** `PublicKeyCredentialRequestOptions` as JSON text. WebAuthn §5.5. */
  readonly options: string;
  readonly ceremony: string;
}

/** The offer of one page; good as long as the request is, once. Nobody is named: any passkey of ours will do. */
export function offerPasskey(
  request: FlowRequest,
  open: OpenConnector,
  context: Pick<FlowContext, "browsers">,
  deps: FlowDeps,
): PasskeyOffer | undefined {
  const factor = passkeyFactor(open, deps);
  const [place] = placesOf(request, open, context);
  if (factor === undefined || place === undefined) return undefined;
  const { challenge, sealed } = newCeremony("sign-in", place, request.expiresAt, deps);
  const options = requestOptions([], factor, challenge, deps);
  return { options: JSON.stringify(options), ceremony: sealed };
}

const placesOf = (
  { flowId }: FlowRequest,
  { info }: OpenConnector,
  { browsers }: Pick<FlowContext, "browsers">,
): readonly string[] => browsers.map((browser) => JSON.stringify([browser, flowId, info.id]));

export type PasskeyResult =
  | { readonly ok: true; readonly identity: Identity; readonly proof: FactorProof }
  | { readonly ok: false; readonly reason: string };

/** Whom an answer signs in. A refusal's reason is for the log. */
export async function finishPasskey(
  request: FlowRequest,
  open: OpenConnector,
  { ceremony: sealed, answer }: { readonly ceremony: string; readonly answer: unknown },
  context: FlowContext,
  deps: FlowDeps,
): Promise<PasskeyResult> {
  const factor = passkeyFactor(open, deps);
  if (factor === undefined) return refused("no passkey signs anybody in here");
  const ceremony = openCeremony("sign-in", placesOf(request, open, context), sealed, deps);
  if (ceremony === undefined) return refused("no ceremony of this browser and request, or too long ago");
  const handle = handleOf(answer);
  const userId = handle && userOfHandle(handle, open.info.id, deps.recoveryKey);
  if (userId === undefined) return refused("it names nobody of this connector");
  const known = await deps.storage.userIdentities.get({ userId, connectorId: open.info.id });
  if (known === undefined) return refused("its person has never signed in here");
  const proved = await proveKey({ identity: known, factor, challenge: ceremony.challenge, answer }, deps);
  if (!proved.ok) return proved;
  if (!(await spendCeremony(ceremony, deps))) return refused("the challenge was answered before");
  const current = await open.connector.refresh?.(identityOf(known.claims, undefined), loginOf(request, context));
  if (current?.ok !== true) return refused(`the account is not there any more: ${current?.reason ?? "gone"}`);
  if (current.identity.userId !== userId) return refused("the account is somebody else's by now");
  // RFC 8176: present, and recognised by the device: the key and what unlocks it are two factors.
  const { factor: id, amr, contexts } = proved.proof;
  return { ok: true, identity: current.identity, proof: { factor: id, amr: [...amr, "user"], contexts } };
}
