/** The two pages: before and after. Plain HTML, no script. */
import { type Claims, changed, decode, meaningOf, textOf } from "./claims.ts";
import { type Html, html } from "./html.ts";
import type { Session, SignedIn } from "./session.ts";
import type { Settings } from "./settings.ts";

export interface Scope {
  readonly name: string;
  readonly brings: string;
}

/** What a person may ask for here; `openid` is what makes it OpenID Connect and is always asked for. */
export const scopes: readonly Scope[] = [
  { name: "profile", brings: "your name" },
  { name: "email", brings: "your email address" },
  { name: "groups", brings: "the groups you belong to" },
  { name: "offline_access", brings: "a refresh token, to stay signed in" },
];

const page = (title: string, problem: Session["problem"], body: Html): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header class="bar"><a class="brand" href="/"><span class="mark" aria-hidden="true"></span>Example App</a></header>
<main>
${problem && html`<div class="problem" role="alert" id="problem"><strong>${problem.title}</strong><p>${problem.detail}</p></div>`}
${body}
</main>
</body>
</html>
`.text;

export const welcomePage = (session: Session, settings: Settings): string =>
  page(
    "Example App",
    session.problem,
    html`<section class="card hero">
<h1>Who are you?</h1>
<p class="lead">This application keeps no passwords. It asks <code>${settings.issuer}</code> and believes the answer.</p>
<form method="post" action="/login">
<input type="hidden" name="form_token" value="${session.formToken}">
<fieldset>
<legend>What may it learn?</legend>
${scopes.map(
  ({ name, brings }) => html`<label class="choice"><input type="checkbox" name="scope" value="${name}" checked>
<span><strong>${name}</strong><small>${brings}</small></span></label>
`,
)}</fieldset>
<button class="primary" id="sign-in" type="submit">Sign in</button>
</form>
</section>
<p class="foot">client <code>${settings.clientId}</code>, authorization code with PKCE</p>`,
  );

const row = (claim: string, value: unknown, now: number): Html => {
  const { text, note } = textOf(claim, value, now);
  return html`<tr><th scope="row"><code>${claim}</code><small>${meaningOf(claim)}</small></th>
<td data-claim="${claim}">${text}${note !== "" && html` <small>${note}</small>`}</td></tr>
`;
};

const table = (label: string, claims: Claims, now: number): Html =>
  html`<table aria-label="${label}"><tbody>
${Object.entries(claims).map(([claim, value]) => row(claim, value, now))}</tbody></table>`;

const button = (session: Session, action: string, label: string, style: string): Html =>
  html`<form method="post" action="/${action}"><input type="hidden" name="form_token" value="${session.formToken}">
<button class="${style}" id="${action}" type="submit">${label}</button></form>`;

function refreshCard({ tokens, previousIdToken }: SignedIn, now: number): Html | undefined {
  const before = previousIdToken === undefined ? undefined : decode(previousIdToken)?.claims;
  const after = decode(tokens.idToken)?.claims;
  if (before === undefined || after === undefined) return undefined;
  const names = changed(before, after);
  const told = (claim: string, value: unknown): string =>
    value === undefined ? "absent" : textOf(claim, value, now).text;
  return html`<section class="card good" id="refreshed"><h2>Refreshed</h2>
${
  names.length === 0
    ? html`<p>The new ID token says the same as the old one.</p>`
    : html`<table class="changes" aria-label="What changed"><thead><tr><th scope="col">claim</th><th scope="col">before</th><th scope="col">now</th></tr></thead><tbody>
${names.map(
  (
    name,
  ) => html`<tr><th scope="row"><code>${name}</code></th><td class="was">${told(name, before[name])}</td><td>${told(name, after[name])}</td></tr>
`,
)}</tbody></table>`
}</section>`;
}

function tokensCard({ tokens }: SignedIn, now: number): Html {
  const access = decode(tokens.accessToken);
  const lifetime = tokens.expiresIn === undefined ? "" : `, given for ${tokens.expiresIn} seconds`;
  return html`<section class="card"><h2>Access token</h2>
<p>Sent to APIs as <code>Authorization: Bearer …</code>${lifetime}.</p>
<details><summary>Show it</summary><pre id="access-token">${tokens.accessToken}</pre>
${access && table("Access token claims", access.claims, now)}</details>
<h2>Refresh token</h2>
<p id="refresh-token">${
    tokens.refreshToken === undefined
      ? html`None. Ask for <code>offline_access</code> to get one.`
      : html`There is one. It stays on the server and is never shown to the browser.`
  }</p></section>`;
}

export function signedInPage(session: Session, signedIn: SignedIn, now: number): string {
  const idToken = decode(signedIn.tokens.idToken) ?? { header: {}, claims: {} };
  const { name, preferred_username: nick, email, sub } = idToken.claims;
  const called = [name, nick, email, sub].find((value) => typeof value === "string" && value !== "");
  const who = typeof called === "string" ? called : "nobody";
  const { userinfo } = signedIn;
  return page(
    `${who} – Example App`,
    session.problem,
    html`<section class="card person"><span class="face" aria-hidden="true">${[...who][0]?.toUpperCase()}</span>
<div><h1 id="who">${who}</h1><p>${typeof email === "string" && email !== who ? email : "signed in"}</p></div>
<nav aria-label="What to do">
${signedIn.tokens.refreshToken !== undefined && button(session, "refresh", "Refresh", "")}
${button(session, "userinfo", "Call userinfo", "")}
${button(session, "logout", "Sign out", "quiet")}
</nav></section>
${refreshCard(signedIn, now)}
${userinfo && html`<section class="card good" id="userinfo-answer"><h2>Userinfo</h2><p>What the provider says when asked with the access token.</p>${table("Userinfo", userinfo, now)}</section>`}
<section class="card"><h2>ID token</h2>
<p>The provider's signed word about you. The signature was checked.</p>
${table("ID token claims", idToken.claims, now)}
<h3>Header</h3>
${table("ID token header", idToken.header, now)}
<details><summary>Show it as it was sent</summary><pre id="id-token">${signedIn.tokens.idToken}</pre></details></section>
${tokensCard(signedIn, now)}`,
  );
}

export const errorPage = (title: string, detail: string): string =>
  page(title, { title, detail }, html`<p><a class="button" href="/">Back to the start</a></p>`);
