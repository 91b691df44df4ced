import { accountOf, isFresh, proofProblem } from "../account/change-account.ts";
import { newCeremony, openCeremony } from "../flow/ceremony.ts";
import type { Factor, FactorProof, TotpFactor, WebauthnFactor } from "../flow/factor-contract.ts";
import { factorsFor, hasFactor } from "../flow/factor-step.ts";
import { noteFreshLogin, noteProof } from "../flow/keep-session.ts";
import { firstCodes } from "../flow/recovery-codes.ts";
import { keyName } from "../flow/rename-key.ts";
import { beginTotp, confirmTotp, resumeTotp, type TotpEnrolment } from "../flow/totp-factor.ts";
import { addKey } from "../flow/webauthn-answer.ts";
import { creationOptions, timeoutOf } from "../flow/webauthn-options.ts";
import { redirect } from "../http/answers.ts";
import { type HttpAnswer, type HttpRequest, PageError } from "../http/contract.ts";
import { wordsOf } from "../page/messages.ts";
import { totpPage } from "../page/totp-page.ts";
import { webauthnPage } from "../page/webauthn-page.ts";
import type { AuthSession, UserIdentity } from "../storage/records.ts";
import { proofOf } from "./account-credentials.ts";
import { aboutOf, hasProved, showCodes } from "./account-factor.ts";
import { assertAccountForm, placeOfSession, sealAccountForm } from "./account-form.ts";
import { isPost, withBack } from "./account-request.ts";
import { deviceName } from "./device-name.ts";
import { ownAddress } from "./factor-address.ts";
import { openOwnSession } from "./open-own-session.ts";
import type { Provider } from "./provider.ts";
import { pictureOf } from "./qr-picture.ts";
import { readJson } from "./read-json.ts";
import { ask } from "./self-service.ts";
import { showPage } from "./show-page.ts";
import { withScript } from "./with-script.ts";

interface Here<F extends Factor = Factor> {
  readonly session: AuthSession;
  readonly identity: UserIdentity;
  readonly factor: F;
  /** Whether the person may still add a factor, with what they have proved: asked again when it is kept. */
  readonly mayAdd: (current: UserIdentity) => boolean;
}

/**
 * `/account/factor`: sets up another authenticator. Who has a factor has proved one in this session; who has none has
 * signed in a moment ago, or types the password again. A session that was left open adds nothing.
 */
export async function addFactorEndpoint(request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  const isSent = isPost(request);
  const { flow } = provider;
  const session = await openOwnSession(request, provider);
  if (session === undefined) return redirect(303, flow.policy.issuerPath === "" ? "/" : flow.policy.issuerPath);
  if (isSent) assertAccountForm(request, session, provider);
  const identity = await flow.storage.userIdentities.get(session);
  const factors = await factorsFor(session, flow);
  const factor = factors.find(({ id }) => id === request.query().get("authenticator"));
  if (identity === undefined || factor === undefined) throw new PageError(404, "refusal.noFactor");
  const mayAdd = (current: UserIdentity): boolean =>
    hasProved(session) || !factors.some((known) => hasFactor(current, known));
  // The account page asks for the factor.
  if (!mayAdd(identity)) return redirect(303, withBack("/account", "", provider));
  if (!hasProved(session) && !isFresh(session, provider)) return confirmFirst(session, isSent, request, provider);
  if (factor.type === "WebAuthn") return keyOf({ session, identity, factor, mayAdd }, isSent, request, provider);
  if (hasFactor(identity, factor)) return redirect(303, withBack("/account", "", provider));
  return appOf({ session, identity, factor, mayAdd }, isSent, request, provider);
}

/** The password once more, where it is kept here; else a login of a moment ago. */
async function confirmFirst(
  session: AuthSession,
  isSent: boolean,
  request: HttpRequest,
  provider: Provider,
): Promise<HttpAnswer> {
  const deps = provider.account;
  const account = deps && (await accountOf(session, deps));
  if (deps === undefined || account === undefined) {
    throw new PageError(403, "refusal.loginAgain");
  }
  const isTyped = isSent && request.form().get("current") !== undefined;
  const problem = isTyped ? await proofProblem(proofOf(request, { session, account }, provider), deps) : "ask";
  if (problem === undefined) {
    await noteFreshLogin(session.id, provider.flow);
    return redirect(303, ownAddress(request));
  }
  const error =
    problem === "ask" ? {} : { error: wordsOf(provider.page(request).locale).text(`self.problem.${problem}`) };
  return ask(
    problem === "ask" ? 200 : 400,
    { kind: "again", ...frame(session, request, provider), ...error },
    request,
    provider,
  );
}

const frame = (session: AuthSession, request: HttpRequest, provider: Provider) => ({
  postUrl: ownAddress(request),
  backLink: withBack("/account", "", provider),
  hidden: [{ name: "csrf", value: sealAccountForm(session, provider) }],
});

async function appOf(
  { session, identity, factor, mayAdd }: Here<TotpFactor>,
  isSent: boolean,
  request: HttpRequest,
  provider: Provider,
): Promise<HttpAnswer> {
  const { flow } = provider;
  const person = { userId: session.userId, connectorId: session.connectorId, email: identity.claims.email };
  const place = placeOfSession(session);
  const sealed = request.form().get("enrolment") ?? "";
  const resumed = sealed === "" ? undefined : resumeTotp(factor, person, place, sealed, flow);
  const enrolment: TotpEnrolment = resumed ?? beginTotp(factor, person, place, flow);
  const code = resumed === undefined || !isSent ? undefined : request.form().get("totp");
  const proof = code === undefined ? undefined : await confirmTotp(factor, person, enrolment, code, flow, mayAdd);
  if (proof !== undefined) return added(session, proof, request, provider);
  const page = totpPage(provider.page(request), {
    ...frame(session, request, provider),
    issuer: factor.issuer,
    invalid: isSent,
    enrolment: { ...enrolment, picture: await pictureOf(enrolment.uri) },
  });
  return showPage(isSent ? 401 : 200, page);
}

async function keyOf(
  here: Here<WebauthnFactor>,
  isSent: boolean,
  request: HttpRequest,
  provider: Provider,
): Promise<HttpAnswer> {
  const { session, factor, mayAdd } = here;
  const { flow } = provider;
  if (!isSent) return showKey(here, false, request, provider);
  const form = request.form();
  const ceremony = openCeremony("add", [placeOfSession(session)], form.get("ceremony") ?? "", flow);
  const answer = readJson(form.get("answer") ?? "");
  const name = keyName(form.get("name") ?? "") ?? usualName(request);
  const user = { userId: session.userId, connectorId: session.connectorId };
  // What is kept once cannot be kept again: the ceremony needs no other end.
  const finished =
    ceremony && (await addKey({ user, factor, challenge: ceremony.challenge, answer, name }, mayAdd, flow));
  if (finished?.ok === true) return added(session, finished.proof, request, provider);
  const reason = finished?.reason ?? "no ceremony of this session, or too long ago";
  provider.trail(request).note({
    check: "factor.enrolment",
    outcome: "fail",
    because: reason,
    spec: "WebAuthn §7.1",
    about: aboutOf(session),
  });
  request.logger.warn("factor refused", { ...aboutOf(session), authenticator: factor.id, reason });
  return showKey(here, true, request, provider);
}

const usualName = ({ headers }: HttpRequest): string => deviceName(headers["user-agent"] ?? "") || "Passkey";

function showKey(
  { session, identity, factor }: Here<WebauthnFactor>,
  invalid: boolean,
  request: HttpRequest,
  provider: Provider,
): HttpAnswer {
  const { flow, clock } = provider;
  const expiresAt = clock.now() + timeoutOf(factor);
  const { challenge, sealed } = newCeremony("add", placeOfSession(session), expiresAt, flow);
  const options = creationOptions(identity, factor, challenge, flow);
  const { hidden, ...around } = frame(session, request, provider);
  const page = webauthnPage(provider.page(request), {
    mode: "register",
    invalid,
    name: usualName(request),
    backLink: around.backLink,
    exchange: {
      kind: "posted",
      postUrl: around.postUrl,
      options: JSON.stringify(options),
      hidden: [...hidden, { name: "ceremony", value: sealed }],
    },
  });
  return withScript(showPage(invalid ? 400 : 200, page));
}

/** The session has proved what was just set up; with the first factor come recovery codes. */
async function added(
  session: AuthSession,
  proof: FactorProof,
  request: HttpRequest,
  provider: Provider,
): Promise<HttpAnswer> {
  const { flow } = provider;
  const because = `${proof.factor} is set up, on the account page`;
  provider.trail(request).note({ check: "factor.enrolment", outcome: "pass", because, about: aboutOf(session) });
  request.logger.warn("factor enrolled", { ...aboutOf(session), authenticator: proof.factor });
  await noteProof(session.id, session, proof, flow);
  const codes = await firstCodes(session, flow);
  return codes === undefined
    ? redirect(303, `${withBack("/account", "", provider)}?done=factorAdded`)
    : showCodes(codes, request, provider);
}
