/** A security key or passkey: `/mfa/webauthn`. WebAuthn Level 3. Dex's webauthn_verify.html. */
import { type Html, html } from "./html.ts";
import { layout, type PageContext } from "./layout.ts";
import { wordsOf } from "./messages.ts";

export interface WebauthnPageProps {
  readonly mode: "register" | "login";
  readonly beginUrl: string;
  readonly finishUrl: string;
  /** Where a recovery code is typed in. */
  readonly recoveryUrl?: string;
}

export function webauthnPage(context: PageContext, props: WebauthnPageProps): Html {
  const words = wordsOf(context.locale);
  const isNew = props.mode === "register";
  const title = words.text(isNew ? "webauthn.setUpTitle" : "webauthn.title");
  return layout(context, {
    title,
    script: "static/webauthn.js",
    content: html`<h1 class="theme-heading">${title}</h1>
<p class="dex-subtle-text">${words.text(isNew ? "webauthn.setUp" : "webauthn.explain")}</p>
<div id="webauthn-error" class="dex-error-box" role="alert" hidden>${words.text("webauthn.failed")}</div>
<p id="webauthn-unable" class="dex-message">${words.text("webauthn.unable")}</p>
<form id="webauthn" method="post" data-mode="${props.mode}" data-begin="${props.beginUrl}" data-finish="${props.finishUrl}">
<button id="webauthn-start" type="submit" class="dex-btn theme-btn--primary" disabled>${words.text(isNew ? "webauthn.register" : "webauthn.use")}</button>
</form>
${props.recoveryUrl !== undefined && html`<div class="theme-link-back"><a class="dex-subtle-text" id="use-recovery" href="${props.recoveryUrl}">${words.text("recovery.use")}</a></div>`}`,
  });
}
