import { z } from "zod";
import type { AccountDeps } from "../account/account.ts";
import { minPasswordLength } from "../account/password-rule.ts";
import { type SignupProblem, signUp } from "../account/sign-up.ts";
import { json, redirect } from "../http/answers.ts";
import { type HttpAnswer, type HttpRequest, PageError } from "../http/contract.ts";
import { isJsonType } from "../http/is-json-type.ts";
import { type Words, wordsOf } from "../page/messages.ts";
import { selfServiceResultPage } from "../page/self-service-result-page.ts";
import { signupPage } from "../page/signup-page.ts";
import { askerOf, isPost, readBack, withBack } from "./account-request.ts";
import { assertOwnForm, ownForm } from "./own-form.ts";
import type { Provider } from "./provider.ts";
import { showPage } from "./show-page.ts";
import { withCookie } from "./with-cookie.ts";

/** `/signup`: a person makes themselves an account, by the form or by a program's JSON. compat(dex): its fork's contract. */
export async function signupEndpoint(request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  const isJson = isJsonType(request.headers["content-type"]) && request.method === "POST";
  const { account } = provider;
  if (account?.isSignupOpen !== true) {
    if (isJson) return refusal(403, "access_denied", "User signup is disabled");
    throw new PageError(403, "refusal.signupDisabled");
  }
  if (isJson) return signUpByJson(request, account, provider);
  return isPost(request) ? signUpByForm(request, account, provider) : showForm(request, provider, {});
}

interface Typed {
  readonly email?: string;
  readonly username?: string;
  readonly error?: string;
}

function showForm(request: HttpRequest, provider: Provider, typed: Typed): HttpAnswer {
  const back = readBack((typed.error === undefined ? request.query() : request.form()).get("back") ?? "", provider);
  const form = ownForm(request, provider);
  const page = signupPage(provider.page(request), {
    postUrl: withBack("/signup", "", provider, request.uiLocales),
    ...(back === "" ? {} : { backLink: back }),
    ...typed,
    minPasswordLength,
    hidden: back === "" ? form.hidden : [...form.hidden, { name: "back", value: back }],
  });
  return withCookie(showPage(typed.error === undefined ? 200 : 400, page), form.cookie);
}

async function signUpByForm(request: HttpRequest, account: AccountDeps, provider: Provider): Promise<HttpAnswer> {
  assertOwnForm(request, provider);
  provider.limits.begin("signup", { address: request.clientIp, trail: provider.trail(request) });
  const form = request.form();
  const [email, username] = [form.get("email") ?? "", form.get("username") ?? ""];
  const back = readBack(form.get("back") ?? "", provider);
  const wanted = { email, username, password: form.get("password") ?? "", back };
  const result = await signUp(wanted, askerOf(request, provider), account);
  if (!result.ok) {
    const words = wordsOf(provider.page(request).locale);
    return showForm(request, provider, { email, username, error: sentenceOf(words, result.problem) });
  }
  if (back !== "") return redirect(303, back);
  const done = result.isMailed ? "createdMailed" : "created";
  return showPage(200, selfServiceResultPage(provider.page(request), { result: { done } }));
}

function sentenceOf(words: Words, problem: SignupProblem): string {
  switch (problem) {
    case "password_short":
      return words.text("newPassword.problem.short", { count: String(minPasswordLength) });
    case "password_missing":
    case "password_long":
    case "password_unusable":
    case "password_breached":
      return words.text(`newPassword.problem.${passwordPart(problem)}`);
    default:
      return words.text(`signup.problem.${problem}`);
  }
}

const passwordPart = <P extends string>(problem: `password_${P}`): P => problem.slice("password_".length) as P;

/** compat(dex): the fork refuses unknown members. */
const body = z.strictObject({ email: z.string(), username: z.string(), password: z.string() }).partial();

async function signUpByJson(request: HttpRequest, account: AccountDeps, provider: Provider): Promise<HttpAnswer> {
  // No form can send this type, and a script of another origin is asked about first; this is the belt. Fetch Metadata §2.3.
  if (request.headers["sec-fetch-site"] === "cross-site") return refusal(403, "access_denied", "Cross-site request");
  provider.limits.begin("signup", { address: request.clientIp, trail: provider.trail(request) });
  const wanted = readBody(request.body);
  if (wanted === undefined) return refusal(400, "invalid_request", "Invalid JSON payload");
  const { email = "", username = "", password = "" } = wanted;
  const result = await signUp({ email, username, password, back: "" }, askerOf(request, provider), account);
  if (!result.ok) {
    return refusal(result.problem === "taken" ? 409 : 400, "invalid_request", descriptions[result.problem]);
  }
  const { userId, username: name } = result.account;
  return lines(json(201, { user_id: userId, email, username: name, message: "User created successfully" }));
}

function readBody(bytes: Uint8Array): z.output<typeof body> | undefined {
  try {
    return body.safeParse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes))).data;
  } catch {
    return undefined;
  }
}

/** compat(dex): the fork's sentences, where it has one. */
const descriptions: Readonly<Record<SignupProblem, string>> = {
  email_missing: "Email is required",
  email_invalid: "Invalid email format",
  password_missing: "Password is required",
  password_short: `Password must be at least ${minPasswordLength} characters long`,
  password_long: "Password must be at most 72 bytes long",
  password_unusable: "Password holds a character that cannot be used",
  password_breached: "Password is known to attackers",
  username_missing: "Username is required",
  username_invalid: "Invalid username",
  taken: "User with this email already exists",
};

const refusal = (status: number, error: string, description: string): HttpAnswer =>
  lines(json(status, { error, error_description: description }));

/** compat(dex): Go's encoder ends with a line break. */
const lines = (answer: HttpAnswer): HttpAnswer => ({ ...answer, body: `${answer.body}\n` });
