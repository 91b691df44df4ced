/** Where the code of a television or a command line is typed in: `/device`. RFC 8628 §3.3. Dex's device.html. */
import { attributes, type Html, html } from "./html.ts";
import { errorBox, type HiddenField, hiddenFields, layout, type PageContext, refusedField } from "./layout.ts";
import { wordsOf } from "./messages.ts";

export interface DevicePageProps {
  readonly postUrl: string;
  /** From the link or the last attempt. */
  readonly userCode?: string;
  /** The last code was wrong or had expired. */
  readonly invalid: boolean;
  readonly hidden?: readonly HiddenField[];
  /** Picture of this page's address, to go on with a phone. RFC 8628 §3.3.1. */
  readonly qrUrl?: string;
}

const errorId = "login-error";

export function devicePage(context: PageContext, props: DevicePageProps): Html {
  const words = wordsOf(context.locale);
  const title = words.text("device.title");
  const isFilled = props.userCode !== undefined && props.userCode !== "";
  const field = attributes({
    value: props.userCode,
    autofocus: !isFilled || props.invalid,
    ...refusedField(props.invalid, errorId),
  });
  return layout(context, {
    title: props.invalid ? `${words.text("error.prefix")}: ${title}` : title,
    content: html`<h1 class="theme-heading">${title}</h1>
<p class="dex-subtle-text">${words.text("device.explain")}</p>
<form method="post" action="${props.postUrl}">
${props.invalid && errorBox(errorId, words.text("device.invalid"))}
${hiddenFields(props.hidden)}
<div class="theme-form-row">
<div class="theme-form-label"><label for="user_code">${words.text("device.code")}</label></div>
<input id="user_code" name="user_code" type="text" class="theme-form-input dex-code" required placeholder="XXXX-XXXX" autocomplete="off" autocapitalize="characters" autocorrect="off" spellcheck="false" dir="ltr"${field}>
</div>
<button id="submit-login" type="submit" class="dex-btn theme-btn--primary">${words.text("device.submit")}</button>
</form>
<p class="dex-subtle-text dex-hint">${words.text("device.careful")}</p>
${
  props.qrUrl !== undefined &&
  html`<figure class="dex-qr"><img src="${props.qrUrl}" alt="" width="160" height="160"><figcaption class="dex-subtle-text">${words.text("device.scan")}</figcaption></figure>`
}`,
  });
}
