import type { AccountDeps } from "../account/account.ts";
import { findToken } from "../account/account-token.ts";
import { confirmNewAddress, passwordOf } from "../account/change-account.ts";
import { minPasswordLength, type PasswordProblem } from "../account/password-rule.ts";
import { askForReset, resetPassword } from "../account/reset-password.ts";
import { rejectAccount, verifyAddress } from "../account/verify-address.ts";
import type { HttpAnswer, HttpRequest } from "../http/contract.ts";
import { type Words, wordsOf } from "../page/messages.ts";
import { type SelfServicePageProps, selfServicePage } from "../page/self-service-page.ts";
import { type SelfServiceResultPageProps, selfServiceResultPage } from "../page/self-service-result-page.ts";
import { accountDeps, askerOf, isPost, readBack, withBack } from "./account-request.ts";
import { knownDeviceCookie } from "./known-device.ts";
import { assertOwnForm, ownForm } from "./own-form.ts";
import type { Provider } from "./provider.ts";
import { showPage } from "./show-page.ts";
import { withCookie } from "./with-cookie.ts";

/**
 * What people do around a forgotten password and by mailed links. A link only shows a page: mail scanners and previews
 * follow links, so the button spends the token. The token alone is the proof, whichever browser it comes from.
 */

/** `/password/forgot`: asks for a link. Says the same for every address. */
export async function forgotEndpoint(request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  const account = accountDeps(provider);
  if (account.mailer === undefined) return show(501, { result: { failed: "noMail" } }, request, provider);
  if (isPost(request)) {
    assertOwnForm(request, provider);
    const form = request.form();
    const back = readBack(form.get("back") ?? "", provider);
    await askForReset(form.get("email") ?? "", back, askerOf(request, provider), account);
    return show(200, { result: { done: "mailed" }, ...nextLogin(back) }, request, provider);
  }
  const back = readBack(request.query().get("back") ?? "", provider);
  const form = ownForm(request, provider);
  const hidden = back === "" ? form.hidden : [...form.hidden, { name: "back", value: back }];
  const props = {
    kind: "forgot",
    postUrl: withBack("/password/forgot", "", provider, request.uiLocales),
    hidden,
    backLink: back,
  } as const;
  return withCookie(ask(200, props, request, provider), form.cookie);
}

/** `/password/reset`: the link's page, and the new password. */
export const resetEndpoint = byLink(async (token, account, request, provider) => {
  if (!isPost(request)) {
    const open = await findToken("reset", token, account);
    return open && askForPassword(200, token, undefined, request, provider);
  }
  const password = request.form().get("password") ?? "";
  const result = await resetPassword(token, password, askerOf(request, provider), account);
  if (result.ok) {
    const answer = show(200, { result: { done: "reset" }, ...nextLogin(result.back) }, request, provider);
    // Whose mailbox it is got in here: whoever guesses elsewhere must not keep them from the login that follows.
    return withCookie(answer, knownDeviceCookie(passwordOf(result), provider));
  }
  return result.problem === "token" ? undefined : askForPassword(400, token, result.problem, request, provider);
});

function askForPassword(
  status: number,
  token: string,
  problem: PasswordProblem | undefined,
  request: HttpRequest,
  provider: Provider,
): HttpAnswer {
  const words = wordsOf(provider.page(request).locale);
  const error = problem === undefined ? {} : { error: passwordSentence(words, problem) };
  const hidden = [{ name: "token", value: token }];
  const postUrl = withBack("/password/reset", "", provider);
  return ask(status, { kind: "reset", postUrl, hidden, minPasswordLength, ...error }, request, provider);
}

export const passwordSentence = (words: Words, problem: PasswordProblem): string =>
  problem === "short"
    ? words.text("newPassword.problem.short", { count: String(minPasswordLength) })
    : words.text(`newPassword.problem.${problem}`);

/** `/signup/verify`: is this address yours? Yes confirms it, no deletes the account. */
export const verifyEndpoint = byLink(async (token, account, request, provider) => {
  if (!isPost(request)) return askAboutAddress("verify", "/signup/verify", token, account, request, provider);
  const isRejected = request.form().get("action") === "reject";
  const result = isRejected ? await rejectAccount(token, account) : await verifyAddress(token, account);
  return result && show(200, { result: { done: result.done }, ...nextLogin(result.back) }, request, provider);
});

/** `/account/email/confirm`: the new address is the person's. */
export const confirmEmailEndpoint = byLink(async (token, account, request, provider) => {
  if (!isPost(request)) return askAboutAddress("confirm", "/account/email/confirm", token, account, request, provider);
  const isDone = await confirmNewAddress(token, askerOf(request, provider), account);
  return isDone ? show(200, { result: { done: "confirmed" } }, request, provider) : undefined;
});

async function askAboutAddress(
  kind: "verify" | "confirm",
  path: string,
  token: string,
  account: AccountDeps,
  request: HttpRequest,
  provider: Provider,
): Promise<HttpAnswer | undefined> {
  const open = await findToken(kind === "verify" ? "verify" : "email", token, account);
  if (open === undefined) return undefined;
  const email = kind === "verify" ? open.record.email : open.record.newEmail;
  const hidden = [{ name: "token", value: token }];
  return ask(200, { kind, postUrl: withBack(path, "", provider), hidden, email }, request, provider);
}

/** The answer of a mailed link; undefined: its token is none. */
type ByLink = (
  token: string,
  account: AccountDeps,
  request: HttpRequest,
  provider: Provider,
) => Promise<HttpAnswer | undefined>;

/** An endpoint that mailed links lead to. Few that are none are tried from one network. */
function byLink(answer: ByLink): (request: HttpRequest, provider: Provider) => Promise<HttpAnswer> {
  return async (request, provider) => {
    const account = accountDeps(provider);
    const tried = provider.limits.begin("mail_link", { address: request.clientIp, trail: provider.trail(request) });
    let isNone = false;
    try {
      const found = await answer(tokenOf(request), account, request, provider);
      isNone = found === undefined;
      return found ?? show(400, { result: { failed: "token" } }, request, provider);
    } finally {
      if (!isNone) tried.takeBack();
    }
  };
}

const tokenOf = (request: HttpRequest): string =>
  (request.method === "POST" ? request.form() : request.query()).get("token") ?? "";

const nextLogin = (back: string): Pick<SelfServiceResultPageProps, "next"> =>
  back === "" ? {} : { next: { kind: "login", url: back } };

export const ask = (
  status: number,
  props: SelfServicePageProps,
  request: HttpRequest,
  provider: Provider,
): HttpAnswer => showPage(status, selfServicePage(provider.page(request), props));

export const show = (
  status: number,
  props: SelfServiceResultPageProps,
  request: HttpRequest,
  provider: Provider,
): HttpAnswer => showPage(status, selfServiceResultPage(provider.page(request), props));
