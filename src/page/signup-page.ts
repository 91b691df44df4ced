/** Making an account in the built-in password database, where `enableSignup` allows it: `/signup`. */
import { attributes, type Child, type Html, html } from "./html.ts";
import { errorBox, type HiddenField, hiddenFields, layout, type PageContext, refusedField } from "./layout.ts";
import { type Words, wordsOf } from "./messages.ts";

export interface SignupPageProps {
  readonly postUrl: string;
  /** Leads back to the login; already proved to be a rooted path of ours. */
  readonly backLink?: string;
  readonly email?: string;
  readonly username?: string;
  /** Why the last attempt was refused, in a sentence for the person. */
  readonly error?: string;
  /** Fewest characters of a password. */
  readonly minPasswordLength: number;
  readonly hidden?: readonly HiddenField[];
}

const errorId = "signup-error";
const hintId = "password-hint";

/** The line on the login pages that leads here. */
export function signupInvitation(words: Words, signupUrl: string | undefined): Child {
  if (signupUrl === undefined) return undefined;
  return html`<p class="dex-subtle-text dex-invitation">${words.text("signup.question")} <a href="${signupUrl}">${words.text("signup.link")}</a></p>`;
}

function nameFields(words: Words, props: SignupPageProps): Html {
  const refused = refusedField(props.error !== undefined, errorId);
  return html`<div class="theme-form-row">
<div class="theme-form-label"><label for="email">${words.text("signup.email")}</label></div>
<input id="email" name="email" type="email" class="theme-form-input" required autocomplete="username" autocapitalize="none" spellcheck="false"${attributes({ value: props.email, ...refused })}>
</div>
<div class="theme-form-row">
<div class="theme-form-label"><label for="username">${words.text("signup.username")}</label></div>
<input id="username" name="username" type="text" class="theme-form-input" required autocomplete="name" dir="auto"${attributes({ value: props.username, ...refused })}>
</div>`;
}

function passwordField(words: Words, props: SignupPageProps): Html {
  const isRefused = props.error !== undefined;
  const field = attributes({
    minlength: props.minPasswordLength,
    "aria-invalid": isRefused ? "true" : undefined,
    "aria-describedby": isRefused ? `${errorId} ${hintId}` : hintId,
  });
  const hint = words.text("signup.passwordHint", { count: String(props.minPasswordLength) });
  return html`<div class="theme-form-row">
<div class="theme-form-label"><label for="password">${words.text("signup.password")}</label></div>
<input id="password" name="password" type="password" class="theme-form-input" required autocomplete="new-password"${field}>
<p id="${hintId}" class="dex-subtle-text dex-hint">${hint}</p>
</div>`;
}

export function signupPage(context: PageContext, props: SignupPageProps): Html {
  const words = wordsOf(context.locale);
  const title = words.text("signup.title");
  return layout(context, {
    title: props.error === undefined ? title : `${words.text("error.prefix")}: ${title}`,
    content: html`<h1 class="theme-heading">${title}</h1>
<form method="post" action="${props.postUrl}">
${props.error !== undefined && errorBox(errorId, props.error)}
${hiddenFields(props.hidden)}
${nameFields(words, props)}
${passwordField(words, props)}
<button id="submit-signup" type="submit" class="dex-btn theme-btn--primary">${words.text("signup.submit")}</button>
</form>
${
  props.backLink !== undefined &&
  html`<div class="theme-link-back"><a class="dex-subtle-text" href="${props.backLink}">${words.text("signup.back")}</a></div>`
}`,
  });
}
