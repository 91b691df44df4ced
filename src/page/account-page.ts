/** `/account`: where a person is logged in, what they have allowed, and how to end it. */

import { attributes, type Child, type Html, html } from "./html.ts";
import { layout, name, type PageContext } from "./layout.ts";
import { type Words, wordsOf } from "./messages.ts";
import { describeScopes } from "./scope-description.ts";

export interface ShownSession {
  readonly id: string;
  /** "Firefox · Linux"; empty when the browser does not say. */
  readonly device: string;
  readonly isHere: boolean;
  readonly ipAddress: string;
  /** Milliseconds since the epoch, as {@link lastUsed}. */
  readonly signedIn: number;
  readonly lastUsed: number;
  /** Display names of the applications that use it. */
  readonly clients: readonly string[];
}

export interface ShownConsent {
  readonly clientId: string;
  readonly clientName: string;
  readonly scopes: readonly string[];
}

export type AccountNotice =
  | "factorAdded"
  | "keyRenamed"
  | "factorRemoved"
  | "ended"
  | "others"
  | "withdrawn"
  | "resent";

export interface AccountPageProps {
  readonly username: string;
  readonly email: string;
  readonly postUrl: string;
  /** Ends this browser's session. */
  readonly logoutUrl: string;
  /** Proof that a form is ours and of this session. */
  readonly csrf: string;
  /** This browser's first. */
  readonly sessions: readonly ShownSession[];
  readonly consents: readonly ShownConsent[];
  /** Display names of the connectors that lead to this account. */
  readonly methods: readonly string[];
  /** Further sections, a heading each: second factors. */
  readonly more?: readonly Html[];
  readonly notice?: AccountNotice;
  /** Present for people of the built-in database. */
  readonly security?: AccountSecurity;
}

export interface AccountSecurity {
  readonly passwordUrl: string;
  readonly emailUrl: string;
  /** The address waits for its confirmation, which can be mailed again. */
  readonly mayResend: boolean;
}

/** What a form of this page asks for. */
export type AccountAction = "end" | "end-others" | "withdraw" | "resend";

interface ActionForm {
  readonly action: AccountAction;
  readonly subject?: string;
  readonly label: string;
  /** For screen readers: which of the many buttons. */
  readonly describedBy?: string;
}

function actionForm(props: AccountPageProps, { action, subject, label, describedBy }: ActionForm): Html {
  return html`<form method="post" action="${props.postUrl}">
<input type="hidden" name="csrf" value="${props.csrf}">
<input type="hidden" name="action" value="${action}">
${subject !== undefined && html`<input type="hidden" name="subject" value="${subject}">`}
<button type="submit" class="dex-btn dex-btn--small theme-btn-provider"${attributes({ "aria-describedby": describedBy })}><span class="dex-btn-text">${label}</span></button>
</form>`;
}

function sessionRow(words: Words, props: AccountPageProps, session: ShownSession, index: number): Html {
  const id = `session-${index}`;
  return html`<li class="dex-row">
<div class="dex-row__text"><div class="dex-row__title" id="${id}">${session.device === "" ? words.text("account.unknownDevice") : name(session.device)}${
    session.isHere && html` <span class="dex-count">${words.text("account.here")}</span>`
  }</div>
<div class="dex-subtle-text">${words.text("account.lastUsed")}: ${words.time(session.lastUsed)}${session.ipAddress !== "" && html` · ${name(session.ipAddress)}`}</div>
<div class="dex-subtle-text">${words.text("home.signedIn")}: ${words.time(session.signedIn)}</div>
${session.clients.length > 0 && html`<div class="dex-subtle-text">${words.text("account.applications")}: ${session.clients.map((client, i) => html`${i > 0 && ", "}${name(client)}`)}</div>`}</div>
${
  session.isHere
    ? html`<a href="${props.logoutUrl}" class="dex-btn dex-btn--small theme-btn-provider"><span class="dex-btn-text">${words.text("home.logout")}</span></a>`
    : actionForm(props, { action: "end", subject: session.id, label: words.text("home.logout"), describedBy: id })
}
</li>
`;
}

function sessions(words: Words, props: AccountPageProps): Html {
  const hasOthers = props.sessions.some(({ isHere }) => !isHere);
  return html`<section class="dex-section" aria-labelledby="sessions-title">
<h2 class="dex-section__title" id="sessions-title">${words.text("account.sessions")}</h2>
<ul class="dex-rows" role="list">
${props.sessions.map((session, index) => sessionRow(words, props, session, index))}</ul>
${hasOthers && actionForm(props, { action: "end-others", label: words.text("account.endOthers") })}
</section>`;
}

function consentRow(words: Words, props: AccountPageProps, consent: ShownConsent, index: number): Html {
  const id = `consent-${index}`;
  const scopes = describeScopes(words, consent.scopes, new Map());
  return html`<li class="dex-row">
<div class="dex-row__text"><div class="dex-row__title" id="${id}">${name(consent.clientName)}</div>
<div class="dex-subtle-text">${scopes.map(({ summary }, i) => html`${i > 0 && " · "}${summary}`)}</div></div>
${actionForm(props, { action: "withdraw", subject: consent.clientId, label: words.text("account.withdraw"), describedBy: id })}
</li>
`;
}

function consents(words: Words, props: AccountPageProps): Html {
  return html`<section class="dex-section" aria-labelledby="consents-title">
<h2 class="dex-section__title" id="consents-title">${words.text("account.consents")}</h2>
${
  props.consents.length === 0
    ? html`<p class="dex-subtle-text">${words.text("account.noConsents")}</p>`
    : html`<ul class="dex-rows" role="list">
${props.consents.map((consent, index) => consentRow(words, props, consent, index))}</ul>`
}
</section>`;
}

function methods(words: Words, { methods: names }: AccountPageProps): Child {
  if (names.length === 0) return undefined;
  return html`<section class="dex-section" aria-labelledby="methods-title">
<h2 class="dex-section__title" id="methods-title">${words.text("account.methods")}</h2>
<ul class="dex-rows" role="list">${names.map((each) => html`<li class="dex-row"><div class="dex-row__title">${name(each)}</div></li>`)}</ul>
</section>`;
}

function security(words: Words, props: AccountPageProps): Child {
  if (props.security === undefined) return undefined;
  const { passwordUrl, emailUrl, mayResend } = props.security;
  return html`<section class="dex-section" aria-labelledby="security-title">
<h2 class="dex-section__title" id="security-title">${words.text("account.security")}</h2>
${mayResend && html`<p>${words.text("account.notVerified")}</p>${actionForm(props, { action: "resend", label: words.text("account.resend") })}`}
<p><a id="change-password" href="${passwordUrl}">${words.text("self.password.title")}</a></p>
<p><a id="change-email" href="${emailUrl}">${words.text("self.email.title")}</a></p>
</section>`;
}

export function accountPage(context: PageContext, props: AccountPageProps): Html {
  const words = wordsOf(context.locale);
  const person = props.username === "" ? props.email : props.username;
  return layout(context, {
    title: words.text("account.title"),
    panelClass: "dex-account",
    content: html`<h1 class="theme-heading">${words.text("account.title")}</h1>
${person !== "" && html`<p>${words.rich("approval.user", { user: html`<strong>${name(person)}</strong>` })}</p>`}
${props.notice !== undefined && html`<div class="dex-notice" role="status">${words.text(`account.notice.${props.notice}`)}</div>`}
${sessions(words, props)}
${consents(words, props)}
${security(words, props)}
${props.more}
${methods(words, props)}`,
  });
}
