import { newCeremony, openCeremony, spendCeremony } from "../flow/ceremony.ts";
import type { Factor, FactorProof, WebauthnFactor } from "../flow/factor-contract.ts";
import { enrolledFactors } from "../flow/factor-step.ts";
import { noteProof } from "../flow/keep-session.ts";
import { codesLeft, proveRecovery } from "../flow/recovery-codes.ts";
import { proveTotp } from "../flow/totp-factor.ts";
import { proveKey } from "../flow/webauthn-answer.ts";
import { keysOf, requestOptions, timeoutOf } from "../flow/webauthn-options.ts";
import { redirect } from "../http/answers.ts";
import type { HttpAnswer, HttpRequest } from "../http/contract.ts";
import type { OtherWay } from "../page/other-ways.ts";
import { recoveryPage } from "../page/recovery-page.ts";
import { totpPage } from "../page/totp-page.ts";
import { webauthnPage } from "../page/webauthn-page.ts";
import type { AuthSession, UserIdentity } from "../storage/records.ts";
import { aboutOf, hasProved } from "./account-factor.ts";
import { placeOfSession } from "./account-form.ts";
import type { Provider } from "./provider.ts";
import { readJson } from "./read-json.ts";
import { showPage } from "./show-page.ts";
import { tryFactor } from "./try-factor.ts";
import { withScript } from "./with-script.ts";

/** What is asked, and how else the person may prove themselves. */
interface Question {
  readonly factor: Factor;
  readonly isRecovery: boolean;
  readonly identity: UserIdentity;
  readonly session: AuthSession;
  readonly others: readonly OtherWay[];
}

/**
 * Who has a second factor proves it before anything of the account is seen or changed: a session of a client that asks
 * for none may be a thief's who knows the password. Undefined: this session may go on. The form needs no proof that it
 * is ours (CSRF): who can fill it in knows a code, or has the key and the session's own challenge.
 */
export async function askForFactor(
  request: HttpRequest,
  session: AuthSession,
  provider: Provider,
): Promise<HttpAnswer | undefined> {
  const question = hasProved(session) ? undefined : await questionFor(request, session, provider);
  if (question === undefined) return undefined;
  const { factor, isRecovery } = question;
  const said = request.form().get(isRecovery ? "recovery_code" : factor.type === "TOTP" ? "totp" : "answer");
  if (request.method !== "POST" || said === undefined) return show(question, false, request, provider);
  const tried = await tryFactor(request, session, provider, () => prove(question, said, request, provider));
  provider.trail(request).note({
    check: "factor.proved",
    outcome: tried === undefined ? "fail" : "pass",
    because: `${isRecovery ? "a recovery code for " : ""}${factor.id}, on the account page`,
    about: aboutOf(session),
  });
  if (tried === undefined) return show(question, true, request, provider);
  await noteProof(session.id, session, tried.proof, provider.flow);
  return tried.andKnown(redirect(303, request.path));
}

async function questionFor(
  request: HttpRequest,
  session: AuthSession,
  { flow }: Provider,
): Promise<Question | undefined> {
  const identity = await flow.storage.userIdentities.get(session);
  const enrolled = identity === undefined ? [] : await enrolledFactors(identity, flow);
  const asked = request.query().get("factor");
  const factor = enrolled.find(({ id }) => id === asked) ?? enrolled[0];
  if (identity === undefined || factor === undefined) return undefined;
  const hasCodes = codesLeft(identity) > 0;
  const others = enrolled
    .filter((other) => other !== factor)
    .map(({ id, type }) => ({ type, url: `${request.path}?${new URLSearchParams({ factor: id })}` }));
  const isRecovery = hasCodes && request.query().get("recovery") === "1";
  return {
    factor,
    isRecovery,
    identity,
    session,
    others: hasCodes ? [...others, { type: "recovery", url: addressOf(factor, true, request) }] : others,
  };
}

const addressOf = ({ id }: Factor, isRecovery: boolean, { path }: HttpRequest): string =>
  `${path}?${new URLSearchParams({ factor: id, ...(isRecovery ? { recovery: "1" } : {}) })}`;

async function prove(
  { factor, isRecovery, identity, session }: Question,
  said: string,
  request: HttpRequest,
  { flow }: Provider,
): Promise<FactorProof | undefined> {
  if (isRecovery) return proveRecovery(factor, session, said, flow);
  if (factor.type === "TOTP") return proveTotp(factor, session, said, flow);
  const ceremony = openCeremony("prove", [placeOfSession(session)], request.form().get("ceremony") ?? "", flow);
  if (ceremony === undefined) return undefined;
  const finished = await proveKey({ identity, factor, challenge: ceremony.challenge, answer: readJson(said) }, flow);
  if (finished.ok && (await spendCeremony(ceremony, flow))) return finished.proof;
  request.logger.warn("factor refused", {
    user_id: session.userId,
    connector_id: session.connectorId,
    authenticator: factor.id,
    reason: finished.ok ? "the challenge was answered before" : finished.reason,
  });
  return undefined;
}

function show(question: Question, invalid: boolean, request: HttpRequest, provider: Provider): HttpAnswer {
  const { factor, isRecovery, others } = question;
  const page = provider.page(request);
  const status = invalid ? 401 : 200;
  const postUrl = addressOf(factor, isRecovery, request);
  if (isRecovery) {
    return showPage(status, recoveryPage(page, { postUrl, backLink: addressOf(factor, false, request), invalid }));
  }
  if (factor.type === "WebAuthn") return showKey(question, factor, invalid, request, provider);
  return showPage(status, totpPage(page, { postUrl, issuer: factor.issuer, invalid, others }));
}

function showKey(
  { identity, session, others }: Question,
  factor: WebauthnFactor,
  invalid: boolean,
  request: HttpRequest,
  provider: Provider,
): HttpAnswer {
  const { flow, clock } = provider;
  const expiresAt = clock.now() + timeoutOf(factor);
  const { challenge, sealed } = newCeremony("prove", placeOfSession(session), expiresAt, flow);
  const options = requestOptions(keysOf(identity, factor), factor, challenge, flow);
  const page = webauthnPage(provider.page(request), {
    mode: "login",
    invalid,
    others,
    exchange: {
      kind: "posted",
      postUrl: addressOf(factor, false, request),
      options: JSON.stringify(options),
      hidden: [{ name: "ceremony", value: sealed }],
    },
  });
  return withScript(showPage(invalid ? 401 : 200, page));
}
