import type { Factor } from "../flow/factor-contract.ts";
import { enrolledFactors, factorsFor, hasFactor } from "../flow/factor-step.ts";
import { codesLeft, renewCodes } from "../flow/recovery-codes.ts";
import { isAskedForFactor, removeFactor } from "../flow/remove-factor.ts";
import { keyName, renameKey } from "../flow/rename-key.ts";
import { timeOfCounter } from "../flow/totp.ts";
import { keysOf } from "../flow/webauthn-options.ts";
import { type HttpAnswer, type HttpRequest, PageError } from "../http/contract.ts";
import type { AccountNotice } from "../page/account-page.ts";
import { factorSection, type ShownFactor } from "../page/factor-section.ts";
import type { Html } from "../page/html.ts";
import { recoveryCodesPage } from "../page/recovery-codes-page.ts";
import type { AuthSession, UserIdentity } from "../storage/records.ts";
import { sealAccountForm } from "./account-form.ts";
import { withBack } from "./account-request.ts";
import type { Provider } from "./provider.ts";
import { showPage } from "./show-page.ts";

/** Whom a decision is about. */
export const aboutOf = ({ userId, connectorId }: AuthSession) => ({ user_id: userId, connector_id: connectorId });

/** Whether a second factor was proved in this session. */
export const hasProved = ({ extra }: AuthSession): boolean => (extra?.factors ?? []).length > 0;

/** Whether the person has a second factor and has not proved it in this session. */
export async function lacksFactor(session: AuthSession, { flow }: Provider): Promise<boolean> {
  const identity = hasProved(session) ? undefined : await flow.storage.userIdentities.get(session);
  return identity !== undefined && (await enrolledFactors(identity, flow)).length > 0;
}

/** The section of the account page; nothing where there is no factor to set up. */
export async function factorsOfAccount(
  request: HttpRequest,
  session: AuthSession,
  provider: Provider,
): Promise<readonly Html[]> {
  const identity = await provider.storage.userIdentities.get(session);
  const factors = identity === undefined ? [] : await factorsFor(identity, provider.flow);
  if (identity === undefined || factors.length === 0) return [];
  const shown = factors.flatMap((factor) => shownFactors(factor, identity));
  const isAskedFor = await isAskedForFactor(session, identity, provider.flow);
  return [
    factorSection(provider.page(request), {
      postUrl: request.path,
      csrf: sealAccountForm(session, provider),
      factors: shown,
      lastStays: isAskedFor && shown.length === 1,
      codesLeft: codesLeft(identity),
      addUrls: factors
        .filter((factor) => factor.type === "WebAuthn" || !hasFactor(identity, factor))
        .map((factor) => ({ type: factor.type, name: ownName(factor), url: addUrl(factor, provider) })),
    }),
  ];
}

const ownName = (factor: Factor): string => (factor.type === "TOTP" ? factor.issuer : factor.rpDisplayName);

const addUrl = ({ id }: Factor, provider: Provider): string =>
  `${withBack("/account/factor", "", provider)}?${new URLSearchParams({ authenticator: id })}`;

function shownFactors(factor: Factor, identity: UserIdentity): readonly ShownFactor[] {
  if (factor.type === "TOTP") {
    const secret = identity.mfaSecrets[factor.id];
    if (secret === undefined || !hasFactor(identity, factor)) return [];
    return [
      {
        id: factor.id,
        type: "TOTP",
        label: factor.issuer,
        added: secret.createdAt,
        lastUsed: timeOfCounter(secret.lastUsedCounter),
      },
    ];
  }
  return keysOf(identity, factor).map((key) => ({
    id: factor.id,
    keyId: Buffer.from(key.credentialId).toString("base64url"),
    type: key.backupEligible || factor.firstFactor ? "passkey" : "key",
    label: key.displayName,
    added: key.createdAt,
    ...(key.lastUsed === undefined ? {} : { lastUsed: key.lastUsed }),
    isSuspect: key.cloneWarning,
  }));
}

/** New recovery codes, for whoever has a factor to recover. */
export async function newCodes(request: HttpRequest, session: AuthSession, provider: Provider): Promise<HttpAnswer> {
  if (!hasProved(session)) throw new PageError(403, "refusal.proveFirst");
  const codes = await renewCodes(session, provider.flow);
  request.logger.warn("recovery codes renewed", { user_id: session.userId, connector_id: session.connectorId });
  return showCodes(codes, request, provider);
}

/** The codes are seen once; then the account page goes on. */
export const showCodes = (codes: readonly string[], request: HttpRequest, provider: Provider): HttpAnswer =>
  showPage(
    200,
    recoveryCodesPage(provider.page(request), {
      codes,
      continueTo: withBack("/account", "", provider),
      fields: {},
      method: "get",
    }),
  );

/** Removes or renames what the form names. @throws {PageError} There is no such factor, or it stays. */
export async function changeFactor(
  action: "remove-factor" | "rename-key",
  request: HttpRequest,
  session: AuthSession,
  { flow, logger, trail }: Provider,
): Promise<AccountNotice> {
  const form = request.form();
  const [factorId, keyId] = [form.get("subject") ?? "", form.get("key") ?? ""];
  const fields = { ...aboutOf(session), authenticator: factorId };
  if (action === "rename-key") {
    const name = keyName(form.get("name") ?? "");
    if (name === undefined) throw new PageError(400, "refusal.keyName");
    if (!(await renameKey(session, { factorId, keyId }, name, flow))) throw new PageError(400, "refusal.noKey");
    logger.info("factor renamed by its person", fields);
    return "keyRenamed";
  }
  const identity = await flow.storage.userIdentities.get(session);
  const isAskedFor = identity === undefined || (await isAskedForFactor(session, identity, flow));
  const which = { factorId, ...(keyId === "" ? {} : { keyId }) };
  if (!(await removeFactor(session, which, isAskedFor, flow))) throw new PageError(400, "refusal.lastFactor");
  const because = `${factorId} is taken away by its person`;
  trail(request).note({ check: "factor.removal", outcome: "pass", because, about: aboutOf(session) });
  logger.warn("factor removed by its person", fields);
  return "factorRemoved";
}
