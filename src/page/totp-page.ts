/** The code of an authenticator app, or the app's setting up: `/mfa/totp`. RFC 6238. Dex's totp_verify.html. */
import { attributes, type Html, html } from "./html.ts";
import { errorBox, type HiddenField, hiddenFields, layout, name, type PageContext, refusedField } from "./layout.ts";
import { type Words, wordsOf } from "./messages.ts";
import { type OtherWay, otherWays } from "./other-ways.ts";

export interface TotpPageProps {
  /** The current address with its query: the step's MAC stays there. */
  readonly postUrl: string;
  /** What the app calls us. */
  readonly issuer: string;
  /** The last code was wrong, or had been used. */
  readonly invalid: boolean;
  /** Present while the app is set up. */
  readonly enrolment?: {
    /** `data:` address of a picture of `uri`. */
    readonly picture: string;
    readonly uri: string;
    readonly seed: string;
    /** Value of the field `enrolment`; empty: the server knows. */
    readonly sealed: string;
  };
  readonly others?: readonly OtherWay[];
  readonly hidden?: readonly HiddenField[];
  /** Leads away without doing anything. */
  readonly backLink?: string;
}

const errorId = "login-error";

/** "ABCDEFGH" as "ABCD EFGH", for whoever types it. */
const inFours = (seed: string): string => seed.replace(/(.{4})(?=.)/g, "$1 ");

const setUp = (
  words: Words,
  { picture, seed }: NonNullable<TotpPageProps["enrolment"]>,
): Html => html`<p>${words.text("totp.setUp")}</p>
<figure class="dex-qr"><img src="${picture}" alt="" width="200" height="200"><figcaption class="dex-subtle-text">${words.text("totp.orType")}</figcaption></figure>
<p><code class="dex-seed" id="totp-secret" dir="ltr">${inFours(seed)}</code></p>`;

export function totpPage(context: PageContext, props: TotpPageProps): Html {
  const words = wordsOf(context.locale);
  const { enrolment } = props;
  const title = words.text(enrolment === undefined ? "totp.title" : "totp.setUpTitle");
  const field = attributes({ autofocus: true, ...refusedField(props.invalid, errorId) });
  return layout(context, {
    title: props.invalid ? `${words.text("error.prefix")}: ${title}` : title,
    content: html`<h1 class="theme-heading">${title}</h1>
${enrolment === undefined ? html`<p class="dex-subtle-text">${words.rich("totp.explain", { issuer: name(props.issuer) })}</p>` : setUp(words, enrolment)}
<form method="post" action="${props.postUrl}">
${props.invalid && errorBox(errorId, words.text("totp.invalid"))}
${hiddenFields(props.hidden)}
${enrolment !== undefined && enrolment.sealed !== "" && html`<input type="hidden" name="enrolment" value="${enrolment.sealed}">`}
<div class="theme-form-row">
<div class="theme-form-label"><label for="totp">${words.text("totp.code")}</label></div>
<input id="totp" name="totp" type="text" class="theme-form-input dex-code" required inputmode="numeric" pattern="[0-9 ]*" maxlength="8" autocomplete="one-time-code" autocorrect="off" spellcheck="false" dir="ltr"${field}>
</div>
<button id="submit-login" type="submit" class="dex-btn theme-btn--primary">${words.text("totp.submit")}</button>
</form>
${otherWays(words, props.others)}
${props.backLink !== undefined && html`<div class="theme-link-back"><a class="dex-subtle-text" href="${props.backLink}">${words.text("self.account")}</a></div>`}`,
  });
}
