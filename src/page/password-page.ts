/** User name and password for a connector that checks them itself: `/auth/{connector}/login`. Dex's password.html. */
import { attributes, type Child, type Html, html } from "./html.ts";
import { errorBox, type HiddenField, hiddenFields, layout, name, type PageContext, refusedField } from "./layout.ts";
import { type Words, wordsOf } from "./messages.ts";
import { signupInvitation } from "./signup-page.ts";

export interface PasswordPageProps {
  /** The current URL with its query. */
  readonly postUrl: string;
  /** Leads to the other connectors; already proved to be a rooted path of ours. */
  readonly backLink?: string;
  /** Display name of the connector, to say whose password is wanted. */
  readonly connectorName?: string;
  /** What was typed last, or what `login_hint` said. */
  readonly username?: string;
  /** Label of the name field, "Email Address"; empty for our own word. */
  readonly usernamePrompt: string;
  /** The last attempt was refused. */
  readonly invalid: boolean;
  /** It was refused because the password, which was right, has expired. */
  readonly expired?: boolean;
  /** True when sessions are on. */
  readonly showRememberMe: boolean;
  readonly rememberMeChecked: boolean;
  /** Present when accounts can be made here. */
  readonly signupUrl?: string;
  /** Present when a forgotten password can be replaced here. */
  readonly forgotUrl?: string;
  readonly hidden?: readonly HiddenField[];
  /** Present where a passkey does in place of a password. */
  readonly passkey?: PasskeyProps;
}

export interface PasskeyProps {
  readonly postUrl: string;
  /** `PublicKeyCredentialRequestOptions` as JSON text. */
  readonly options: string;
  /** Carried along. */
  readonly ceremony: string;
  /** The last one was refused. */
  readonly isRefused: boolean;
}

const errorId = "login-error";

function usernameField(words: Words, props: PasswordPageProps): Html {
  // Here the browser offers passkeys beside the names that it knows. HTML "autofill detail tokens".
  const autocomplete = props.passkey === undefined ? "username" : "username webauthn";
  const field = attributes({
    value: props.username,
    inputmode: /e-?mail/i.test(props.usernamePrompt) ? "email" : undefined,
    autofocus: props.username === undefined || props.username === "",
    ...refusedField(props.invalid, errorId),
  });
  return html`<div class="theme-form-row">
<div class="theme-form-label"><label for="login">${props.usernamePrompt === "" ? words.text("password.username") : props.usernamePrompt}</label></div>
<input id="login" name="login" type="text" class="theme-form-input" required autocomplete="${autocomplete}" autocapitalize="none" autocorrect="off" spellcheck="false" dir="auto"${field}>
</div>`;
}

function passwordField(words: Words, props: PasswordPageProps): Html {
  const field = attributes({
    autofocus: props.username !== undefined && props.username !== "",
    ...refusedField(props.invalid, errorId),
  });
  return html`<div class="theme-form-row">
<div class="theme-form-label"><label for="password">${words.text("password.password")}</label></div>
<input id="password" name="password" type="password" class="theme-form-input" required autocomplete="current-password"${field}>
</div>`;
}

function rememberMe(words: Words, isChecked: boolean): Html {
  return html`<div class="theme-form-row">
<label class="theme-remember-me" for="remember_me"><input id="remember_me" type="checkbox" name="remember_me" value="on"${attributes({ checked: isChecked })}>
<span>${words.text("password.rememberMe")}</span></label>
</div>`;
}

/** Hidden until our script finds that the browser can: without scripts the page is what it was. */
const passkey = (words: Words, { postUrl, options, ceremony, isRefused }: PasskeyProps): Html => html`
<form id="webauthn" class="dex-passkey" method="post" action="${postUrl}" data-mode="login" data-options="${options}"${attributes(
  // Not again after a refusal: a browser that answers by itself would send the same passkey for ever.
  { "data-autofill": isRefused ? undefined : "true" },
)} hidden>
<p class="dex-or">${words.text("passkey.or")}</p>
${hiddenFields([
  { name: "ceremony", value: ceremony },
  { name: "answer", value: "" },
  { name: "remember_me", value: "" },
])}
<div id="webauthn-error" class="dex-error-box" role="alert" hidden>${words.text("passkey.failed")}</div>
<button id="webauthn-start" type="submit" class="dex-btn theme-btn-provider"><span class="dex-btn-key" aria-hidden="true"></span><span>${words.text("passkey.use")}</span></button>
</form>`;

function backLink(words: Words, url: string | undefined): Child {
  if (url === undefined || url === "") return undefined;
  return html`<div class="theme-link-back"><a class="dex-subtle-text" href="${url}">${words.text("password.back")}</a></div>`;
}

export function passwordPage(context: PageContext, props: PasswordPageProps): Html {
  const words = wordsOf(context.locale);
  const title = words.text("login.title", { issuer: context.issuerName });
  const isRefused = props.passkey?.isRefused === true;
  return layout(context, {
    ...(props.passkey === undefined ? {} : { script: "static/webauthn.js" }),
    title: props.invalid || isRefused ? `${words.text("error.prefix")}: ${title}` : title,
    content: html`<h1 class="theme-heading">${words.rich("login.title", { issuer: name(context.issuerName) })}</h1>
${
  props.connectorName !== undefined &&
  html`<p class="dex-subtle-text">${words.rich("password.lede", { connector: name(props.connectorName) })}</p>`
}
${isRefused && errorBox("passkey-refused", words.text("passkey.refused"))}
<form method="post" action="${props.postUrl}">
${props.invalid && errorBox(errorId, words.text(props.expired ? "password.expired" : "password.invalid"))}
${hiddenFields(props.hidden)}
${usernameField(words, props)}
${passwordField(words, props)}
${props.showRememberMe && rememberMe(words, props.rememberMeChecked)}
<button id="submit-login" type="submit" class="dex-btn theme-btn--primary">${words.text("password.submit")}</button>
</form>
${props.passkey !== undefined && passkey(words, props.passkey)}
${props.forgotUrl !== undefined && html`<p class="dex-subtle-text dex-invitation"><a id="forgot" href="${props.forgotUrl}">${words.text("password.forgot")}</a></p>`}
${signupInvitation(words, props.signupUrl)}
${backLink(words, props.backLink)}`,
  });
}
