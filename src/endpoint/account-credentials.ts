import type { AccountDeps } from "../account/account.ts";
import {
  accountOf,
  askForNewAddress,
  type ChangeProblem,
  changePassword,
  isFresh,
  type Proof,
  passwordOf,
} from "../account/change-account.ts";
import { minPasswordLength } from "../account/password-rule.ts";
import { redirect } from "../http/answers.ts";
import { type HttpAnswer, type HttpRequest, PageError } from "../http/contract.ts";
import { type Words, wordsOf } from "../page/messages.ts";
import type { AuthSession, Password } from "../storage/records.ts";
import { lacksFactor } from "./account-factor.ts";
import { assertAccountForm, sealAccountForm } from "./account-form.ts";
import { accountDeps, askerOf, isPost, withBack } from "./account-request.ts";
import { originOf } from "./known-device.ts";
import { openOwnSession } from "./open-own-session.ts";
import type { Provider } from "./provider.ts";
import { ask, passwordSentence, show } from "./self-service.ts";

/** What both forms work on. */
interface Here {
  readonly session: AuthSession;
  readonly account: Password;
  readonly deps: AccountDeps;
}

/** `/account/password`: another password, for who knows the current one or has just given it. */
export async function changePasswordEndpoint(request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  const here = await openHere(request, provider);
  if (here === undefined) return home(provider);
  if (!isPost(request)) return askPassword(200, here, {}, request, provider);
  assertAccountForm(request, here.session, provider);
  const wanted = request.form().get("password") ?? "";
  const problem = await changePassword(proofOf(request, here, provider), wanted, askerOf(request, provider), here.deps);
  if (problem !== undefined) {
    return askPassword(400, here, { error: sentenceOf(wordsHere(request, provider), problem) }, request, provider);
  }
  return show(200, { result: { done: "password" }, next: backToAccount(provider) }, request, provider);
}

/** `/account/email`: another address, which is asked first whether it is the person's. */
export async function changeEmailEndpoint(request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  const here = await openHere(request, provider);
  if (here === undefined) return home(provider);
  if (here.deps.mailer === undefined) {
    return show(501, { result: { failed: "noMail" }, next: backToAccount(provider) }, request, provider);
  }
  if (!isPost(request)) return askEmail(200, here, {}, request, provider);
  assertAccountForm(request, here.session, provider);
  const email = request.form().get("email") ?? "";
  const problem = await askForNewAddress(
    proofOf(request, here, provider),
    email,
    askerOf(request, provider),
    here.deps,
  );
  if (problem === undefined) {
    return show(200, { result: { done: "email" }, next: backToAccount(provider) }, request, provider);
  }
  const words = wordsHere(request, provider);
  const error = problem === "address" ? words.text("signup.problem.email_invalid") : sentenceOf(words, problem);
  return askEmail(400, here, { email, error }, request, provider);
}

/** Undefined: nobody is signed in here. @throws {PageError} Their password is kept elsewhere. */
async function openHere(request: HttpRequest, provider: Provider): Promise<Here | undefined> {
  const deps = accountDeps(provider);
  const session = await openOwnSession(request, provider);
  if (session === undefined) return undefined;
  if (await lacksFactor(session, provider)) {
    throw new PageError(403, "refusal.proveOnAccount");
  }
  const account = await accountOf(session, deps);
  if (account === undefined) throw new PageError(403, "refusal.accountElsewhere");
  return { session, account, deps };
}

const home = ({ flow }: Provider): HttpAnswer =>
  redirect(303, flow.policy.issuerPath === "" ? "/" : flow.policy.issuerPath);

/** What a form says of the current password. */
export const proofOf = (
  request: HttpRequest,
  { session, account }: Pick<Here, "session" | "account">,
  provider: Provider,
): Proof => ({
  session,
  account,
  current: request.form().get("current") ?? "",
  origin: originOf(request, passwordOf(account), provider),
  told: { logger: request.logger, trail: provider.trail(request) },
  signal: request.signal,
});

const wordsHere = (request: HttpRequest, provider: Provider): Words => wordsOf(provider.page(request).locale);

function sentenceOf(words: Words, problem: ChangeProblem): string {
  switch (problem) {
    case "current":
    case "tooMany":
    case "readOnly":
    case "gone":
      return words.text(`self.problem.${problem}`);
    default:
      return passwordSentence(words, problem);
  }
}

const backToAccount = (provider: Provider) => ({ kind: "account", url: withBack("/account", "", provider) }) as const;

const formOf = (path: string, { session, deps }: Here, provider: Provider) => ({
  postUrl: withBack(path, "", provider),
  backLink: withBack("/account", "", provider),
  hidden: [{ name: "csrf", value: sealAccountForm(session, provider) }],
  asksCurrent: !isFresh(session, deps),
});

const askPassword = (
  status: number,
  here: Here,
  more: { readonly error?: string },
  request: HttpRequest,
  provider: Provider,
): HttpAnswer =>
  ask(
    status,
    { kind: "password", ...formOf("/account/password", here, provider), minPasswordLength, ...more },
    request,
    provider,
  );

const askEmail = (
  status: number,
  here: Here,
  more: { readonly email?: string; readonly error?: string },
  request: HttpRequest,
  provider: Provider,
): HttpAnswer =>
  ask(status, { kind: "email", ...formOf("/account/email", here, provider), ...more }, request, provider);
