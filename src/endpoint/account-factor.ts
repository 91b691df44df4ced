import type { TotpFactor } from "../flow/factor-contract.ts";
import { enrolledFactors } from "../flow/factor-step.ts";
import { noteProof } from "../flow/keep-session.ts";
import { codesLeft, proveRecovery, renewCodes } from "../flow/recovery-codes.ts";
import { proveTotp } from "../flow/totp-factor.ts";
import { redirect } from "../http/answers.ts";
import { type HttpAnswer, type HttpRequest, PageError } from "../http/contract.ts";
import { factorSection } from "../page/factor-section.ts";
import type { Html } from "../page/html.ts";
import { recoveryCodesPage } from "../page/recovery-codes-page.ts";
import { recoveryPage } from "../page/recovery-page.ts";
import { totpPage } from "../page/totp-page.ts";
import type { AuthSession } from "../storage/records.ts";
import { sealAccountForm } from "./account-form.ts";
import type { Provider } from "./provider.ts";
import { showPage } from "./show-page.ts";
import { tryFactor } from "./try-factor.ts";

const hasProved = ({ extra }: AuthSession): boolean => (extra?.factors ?? []).length > 0;

/** Whether the person has a second factor and has not proved it in this session. */
export async function lacksFactor(session: AuthSession, { flow }: Provider): Promise<boolean> {
  const identity = hasProved(session) ? undefined : await flow.storage.userIdentities.get(session);
  return identity !== undefined && (await enrolledFactors(identity, flow)).length > 0;
}

/** The section of the account page; nothing for somebody who has no factor. */
export async function factorsOfAccount(
  request: HttpRequest,
  session: AuthSession,
  provider: Provider,
): Promise<readonly Html[]> {
  const identity = await provider.storage.userIdentities.get(session);
  const enrolled = identity === undefined ? [] : await enrolledFactors(identity, provider.flow);
  if (identity === undefined || enrolled.length === 0) return [];
  const factors = enrolled.map((factor) => ({
    id: factor.id,
    label: factor.type === "TOTP" ? factor.issuer : factor.rpDisplayName || factor.id,
    mayRemove: enrolled.length > 1,
  }));
  const csrf = sealAccountForm(session, provider);
  const props = { postUrl: request.path, csrf, factors, codesLeft: codesLeft(identity) };
  return [factorSection(provider.page(request), props)];
}

/** New recovery codes, for whoever has a factor to recover. */
export async function newCodes(request: HttpRequest, session: AuthSession, provider: Provider): Promise<HttpAnswer> {
  if (!hasProved(session)) throw new PageError(403, "refusal.proveFirst");
  const codes = await renewCodes(session, provider.flow);
  request.logger.warn("recovery codes renewed", { user_id: session.userId, connector_id: session.connectorId });
  return showPage(
    200,
    recoveryCodesPage(provider.page(request), { codes, continueTo: request.path, fields: {}, method: "get" }),
  );
}

/**
 * Who has a second factor proves it before anything of the account is seen or changed: a session of a client that asks
 * for none may be a thief's who knows the password. Undefined: this session may go on. The form needs no proof that it
 * is ours (CSRF): who can fill it in knows a code.
 */
export async function askForFactor(
  request: HttpRequest,
  session: AuthSession,
  provider: Provider,
): Promise<HttpAnswer | undefined> {
  if (hasProved(session)) return undefined;
  const { flow } = provider;
  const identity = await flow.storage.userIdentities.get(session);
  const [known, ...others] = identity === undefined ? [] : await enrolledFactors(identity, flow);
  if (identity === undefined || known === undefined) return undefined;
  const app = [known, ...others].find((factor): factor is TotpFactor => factor.type === "TOTP");
  const hasCodes = codesLeft(identity) > 0;
  const isRecovery = hasCodes && (app === undefined || request.query().get("recovery") === "1");
  if (app === undefined && !hasCodes) {
    throw new PageError(403, "refusal.keyElsewhere");
  }
  const code = request.form().get(isRecovery ? "recovery_code" : "totp");
  let isInvalid = false;
  if (request.method === "POST" && code !== undefined) {
    const tried = await tryFactor(request, session, provider, () =>
      isRecovery || app === undefined ? proveRecovery(known, session, code, flow) : proveTotp(app, session, code, flow),
    );
    if (tried !== undefined) {
      await noteProof(session.id, session, tried.proof, flow);
      return tried.andKnown(redirect(303, request.path));
    }
    isInvalid = true;
  }
  const page = provider.page(request);
  const status = isInvalid ? 401 : 200;
  if (isRecovery || app === undefined) {
    const postUrl = `${request.path}?recovery=1`;
    return showPage(status, recoveryPage(page, { postUrl, backLink: request.path, invalid: isInvalid }));
  }
  const recovery = hasCodes ? { recoveryUrl: `${request.path}?recovery=1` } : {};
  return showPage(
    status,
    totpPage(page, { postUrl: request.path, issuer: app.issuer, invalid: isInvalid, ...recovery }),
  );
}
