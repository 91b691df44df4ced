/** A recovery code in place of a second factor: `/mfa/recovery`. */
import { attributes, type Html, html } from "./html.ts";
import { errorBox, layout, type PageContext, refusedField } from "./layout.ts";
import { wordsOf } from "./messages.ts";

export interface RecoveryPageProps {
  readonly postUrl: string;
  /** Back to the factor. */
  readonly backLink: string;
  readonly invalid: boolean;
}

const errorId = "login-error";

export function recoveryPage(context: PageContext, props: RecoveryPageProps): Html {
  const words = wordsOf(context.locale);
  const title = words.text("recovery.title");
  const field = attributes({ autofocus: true, ...refusedField(props.invalid, errorId) });
  return layout(context, {
    title: props.invalid ? `${words.text("error.prefix")}: ${title}` : title,
    content: html`<h1 class="theme-heading">${title}</h1>
<p class="dex-subtle-text">${words.text("recovery.explain")}</p>
<form method="post" action="${props.postUrl}">
${props.invalid && errorBox(errorId, words.text("recovery.invalid"))}
<div class="theme-form-row">
<div class="theme-form-label"><label for="recovery_code">${words.text("recovery.code")}</label></div>
<input id="recovery_code" name="recovery_code" type="text" class="theme-form-input dex-code" required maxlength="32" autocomplete="off" autocapitalize="none" autocorrect="off" spellcheck="false" dir="ltr"${field}>
</div>
<button id="submit-login" type="submit" class="dex-btn theme-btn--primary">${words.text("recovery.submit")}</button>
</form>
<div class="theme-link-back"><a class="dex-subtle-text" href="${props.backLink}">${words.text("recovery.back")}</a></div>`,
  });
}
