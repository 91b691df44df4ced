/** A security key or passkey: `/mfa/webauthn`, the account page. WebAuthn Level 3. Dex's webauthn_verify.html. */
import { attributes, type Html, html } from "./html.ts";
import { errorBox, type HiddenField, hiddenFields, layout, type PageContext } from "./layout.ts";
import { type Words, wordsOf } from "./messages.ts";
import { type OtherWay, otherWays } from "./other-ways.ts";

export interface WebauthnPageProps {
  readonly mode: "register" | "login";
  readonly exchange: Exchange;
  /** The last answer was refused. */
  readonly invalid?: boolean;
  /** What a new key is called unless its person says otherwise; absent: nobody is asked. */
  readonly name?: string;
  readonly others?: readonly OtherWay[];
  readonly backLink?: string;
}

/** How the page's script gets its question and gives the answer: by calls, or with the page and its form. */
export type Exchange =
  | { readonly kind: "called"; readonly beginUrl: string; readonly finishUrl: string }
  | {
      readonly kind: "posted";
      readonly postUrl: string;
      /** What to ask the browser, as JSON text. WebAuthn §5.4, §5.5. */
      readonly options: string;
      readonly hidden: readonly HiddenField[];
    };

const addressed = (exchange: Exchange) =>
  exchange.kind === "called"
    ? attributes({ "data-begin": exchange.beginUrl, "data-finish": exchange.finishUrl })
    : attributes({ action: exchange.postUrl, "data-options": exchange.options });

const nameField = (words: Words, name: string): Html => html`<div class="theme-form-row">
<div class="theme-form-label"><label for="name">${words.text("webauthn.name")}</label></div>
<input id="name" name="name" type="text" class="theme-form-input" value="${name}" maxlength="64" autocomplete="off" dir="auto">
</div>`;

export function webauthnPage(context: PageContext, props: WebauthnPageProps): Html {
  const words = wordsOf(context.locale);
  const isNew = props.mode === "register";
  const { exchange } = props;
  const title = words.text(isNew ? "webauthn.setUpTitle" : "webauthn.title");
  return layout(context, {
    title: props.invalid === true ? `${words.text("error.prefix")}: ${title}` : title,
    script: "static/webauthn.js",
    content: html`<h1 class="theme-heading">${title}</h1>
<p class="dex-subtle-text">${words.text(isNew ? "webauthn.setUp" : "webauthn.explain")}</p>
${props.invalid === true && errorBox("webauthn-refused", words.text("webauthn.failed"))}
<div id="webauthn-error" class="dex-error-box" role="alert" hidden>${words.text("webauthn.failed")}</div>
<p id="webauthn-unable" class="dex-message">${words.text("webauthn.unable")}</p>
<form id="webauthn" method="post" data-mode="${props.mode}"${addressed(exchange)}>
${exchange.kind === "posted" && hiddenFields([...exchange.hidden, { name: "answer", value: "" }])}
${props.name !== undefined && nameField(words, props.name)}
<button id="webauthn-start" type="submit" class="dex-btn theme-btn--primary" disabled>${words.text(isNew ? "webauthn.register" : "webauthn.use")}</button>
</form>
${otherWays(words, props.others)}
${props.backLink !== undefined && html`<div class="theme-link-back"><a class="dex-subtle-text" href="${props.backLink}">${words.text("self.account")}</a></div>`}`,
  });
}
