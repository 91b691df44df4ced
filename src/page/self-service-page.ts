/** The forms around one's own account: a forgotten password, a mailed link, another password or address. */
import { attributes, type Child, type Html, html } from "./html.ts";
import { errorBox, type HiddenField, hiddenFields, layout, name, type PageContext, refusedField } from "./layout.ts";
import { type Words, wordsOf } from "./messages.ts";

interface FormProps {
  readonly postUrl: string;
  readonly hidden?: readonly HiddenField[];
  /** Why the last attempt was refused, in a sentence for the person. */
  readonly error?: string;
  /** Leads away without doing anything. */
  readonly backLink?: string;
}

export type SelfServicePageProps = FormProps &
  (
    | { readonly kind: "forgot"; readonly email?: string }
    | { readonly kind: "reset"; readonly minPasswordLength: number }
    | { readonly kind: "verify" | "confirm"; readonly email: string }
    | { readonly kind: "password"; readonly asksCurrent: boolean; readonly minPasswordLength: number }
    | { readonly kind: "again" }
    | { readonly kind: "email"; readonly asksCurrent: boolean; readonly email?: string }
  );

const errorId = "self-error";
const backToAccount: readonly SelfServicePageProps["kind"][] = ["password", "email", "again"];
const hintId = "password-hint";

function emailField(label: string, value: string | undefined, isRefused: boolean): Html {
  const field = attributes({ value, ...refusedField(isRefused, errorId) });
  return html`<div class="theme-form-row">
<div class="theme-form-label"><label for="email">${label}</label></div>
<input id="email" name="email" type="email" class="theme-form-input" required autocomplete="username" autocapitalize="none" spellcheck="false"${field}>
</div>`;
}

function newPasswordField(words: Words, minLength: number, isRefused: boolean): Html {
  const field = attributes({
    minlength: minLength,
    "aria-invalid": isRefused ? "true" : undefined,
    "aria-describedby": isRefused ? `${errorId} ${hintId}` : hintId,
  });
  return html`<div class="theme-form-row">
<div class="theme-form-label"><label for="password">${words.text("self.newPassword")}</label></div>
<input id="password" name="password" type="password" class="theme-form-input" required autocomplete="new-password"${field}>
<p id="${hintId}" class="dex-subtle-text dex-hint">${words.text("signup.passwordHint", { count: String(minLength) })}</p>
</div>`;
}

function currentPasswordField(words: Words, isRefused: boolean): Html {
  const field = attributes(refusedField(isRefused, errorId));
  return html`<div class="theme-form-row">
<div class="theme-form-label"><label for="current">${words.text("self.currentPassword")}</label></div>
<input id="current" name="current" type="password" class="theme-form-input" required autocomplete="current-password"${field}>
</div>`;
}

function fields(words: Words, props: SelfServicePageProps): Child {
  const isRefused = props.error !== undefined;
  switch (props.kind) {
    case "forgot":
      return emailField(words.text("signup.email"), props.email, isRefused);
    case "reset":
      return newPasswordField(words, props.minPasswordLength, isRefused);
    case "verify":
    case "confirm":
      return undefined;
    case "again":
      return currentPasswordField(words, isRefused);
    case "password":
      return [
        props.asksCurrent && currentPasswordField(words, isRefused),
        newPasswordField(words, props.minPasswordLength, isRefused),
      ];
    case "email":
      return [
        props.asksCurrent && currentPasswordField(words, isRefused),
        emailField(words.text("self.newEmail"), props.email, isRefused),
      ];
    default:
      return props satisfies never;
  }
}

const explanation = (words: Words, props: SelfServicePageProps): Child =>
  props.kind === "verify" || props.kind === "confirm"
    ? words.rich(`self.${props.kind}.explain`, { email: html`<strong>${name(props.email)}</strong>` })
    : words.text(`self.${props.kind}.explain`);

export function selfServicePage(context: PageContext, props: SelfServicePageProps): Html {
  const words = wordsOf(context.locale);
  const title = words.text(`self.${props.kind}.title`);
  return layout(context, {
    title: props.error === undefined ? title : `${words.text("error.prefix")}: ${title}`,
    content: html`<h1 class="theme-heading">${title}</h1>
<p class="dex-subtle-text">${explanation(words, props)}</p>
<form method="post" action="${props.postUrl}">
${props.error !== undefined && errorBox(errorId, props.error)}
${hiddenFields(props.hidden)}
${fields(words, props)}
<div class="dex-actions"><button id="submit-self" type="submit" class="dex-btn theme-btn--primary">${words.text(`self.${props.kind}.submit`)}</button>
${props.kind === "verify" && html`<button type="submit" name="action" value="reject" class="dex-btn theme-btn-provider"><span class="dex-btn-text">${words.text("self.verify.reject")}</span></button>`}</div>
</form>
${
  props.backLink !== undefined &&
  props.backLink !== "" &&
  html`<div class="theme-link-back"><a class="dex-subtle-text" href="${props.backLink}">${words.text(backToAccount.includes(props.kind) ? "self.account" : "signup.back")}</a></div>`
}`,
  });
}
