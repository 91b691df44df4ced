/** The second factors on the account page: what there is, when it was used, how to name, add and remove it. */

import { type Child, type Html, html } from "./html.ts";
import { hiddenFields, name, type PageContext } from "./layout.ts";
import { type Words, wordsOf } from "./messages.ts";

export interface ShownFactor {
  /** The authenticator's id. */
  readonly id: string;
  /** One key of it; absent for an app. */
  readonly keyId?: string;
  readonly type: "TOTP" | "passkey" | "key";
  readonly label: string;
  /** Milliseconds since the epoch, as {@link lastUsed}. */
  readonly added: number;
  readonly lastUsed?: number;
  /** Its counter went back once: there may be a copy. */
  readonly isSuspect?: boolean;
}

export interface FactorSectionProps {
  readonly postUrl: string;
  readonly csrf: string;
  readonly factors: readonly ShownFactor[];
  /** The last one stays: without it the next login would be open to whoever knows the password. */
  readonly lastStays: boolean;
  readonly codesLeft: number;
  /** Where others are set up. `name` tells several of a type apart; may be empty. */
  readonly addUrls: readonly { readonly type: "TOTP" | "WebAuthn"; readonly name: string; readonly url: string }[];
}

const actionFields = ({ csrf }: FactorSectionProps, action: string, factor?: ShownFactor): Child =>
  hiddenFields([
    { name: "csrf", value: csrf },
    { name: "action", value: action },
    ...(factor === undefined ? [] : [{ name: "subject", value: factor.id }]),
    ...(factor?.keyId === undefined ? [] : [{ name: "key", value: factor.keyId }]),
  ]);

const button = (label: string, describedBy: string): Html =>
  html`<button type="submit" class="dex-btn dex-btn--small theme-btn-provider" aria-describedby="${describedBy}"><span class="dex-btn-text">${label}</span></button>`;

/** Opens by itself, without scripts. */
const rename = (
  words: Words,
  props: FactorSectionProps,
  factor: ShownFactor,
  id: string,
): Html => html`<details class="dex-rename">
<summary aria-describedby="${id}">${words.text("account.rename")}</summary>
<form method="post" action="${props.postUrl}">
${actionFields(props, "rename-key", factor)}
<label for="${id}-name" class="theme-form-label">${words.text("webauthn.name")}</label>
<div class="dex-rename__row"><input id="${id}-name" name="name" type="text" class="theme-form-input" value="${factor.label}" required maxlength="64" autocomplete="off" dir="auto">
${button(words.text("account.renameSubmit"), id)}</div>
</form>
</details>`;

function factorRow(words: Words, props: FactorSectionProps, factor: ShownFactor, index: number): Html {
  const id = `factor-${index}`;
  return html`<li class="dex-row dex-row--top">
<div class="dex-row__text"><div class="dex-row__title" id="${id}">${name(factor.label)}</div>
<div class="dex-subtle-text">${words.text(`factor.type.${factor.type}`)}</div>
<div class="dex-subtle-text">${words.rich("factor.added", { time: words.time(factor.added) })}</div>
${factor.lastUsed !== undefined && html`<div class="dex-subtle-text">${words.rich("factor.lastUsed", { time: words.time(factor.lastUsed) })}</div>`}
${factor.isSuspect === true && html`<div class="dex-warning">${words.text("factor.suspect")}</div>`}
${factor.keyId !== undefined && rename(words, props, factor, id)}</div>
${
  !props.lastStays &&
  html`<form method="post" action="${props.postUrl}">
${actionFields(props, "remove-factor", factor)}
${button(words.text("account.removeFactor"), id)}
</form>`
}</li>
`;
}

const codesRow = (words: Words, props: FactorSectionProps): Html => html`<li class="dex-row">
<div class="dex-row__title" id="codes-left">${words.text("account.codesLeft", { count: String(props.codesLeft) })}</div>
<form method="post" action="${props.postUrl}">
${actionFields(props, "renew-codes")}
${button(words.text("account.renewCodes"), "codes-left")}
</form></li>`;

/** What becomes of the person's logins when the last factor goes. */
function note(words: Words, { factors, lastStays }: FactorSectionProps): Child {
  if (factors.length === 0) return html`<p class="dex-subtle-text">${words.text("account.noFactors")}</p>`;
  if (factors.length > 1) return undefined;
  return html`<p class="dex-subtle-text">${words.text(lastStays ? "account.lastStays" : "account.lastMayGo")}</p>`;
}

export function factorSection(context: PageContext, props: FactorSectionProps): Html {
  const words = wordsOf(context.locale);
  const { factors, addUrls } = props;
  return html`<section class="dex-section" aria-labelledby="factors-title">
<h2 class="dex-section__title" id="factors-title">${words.text("account.factors")}</h2>
${
  factors.length > 0 &&
  html`<ul class="dex-rows" role="list">
${factors.map((factor, index) => factorRow(words, props, factor, index))}${codesRow(words, props)}
</ul>`
}
${note(words, props)}
<div class="dex-adds">${addUrls.map(
    ({ type, name: ownName, url }) =>
      html`<a class="dex-btn theme-btn-provider" href="${url}"><span class="dex-btn-text">${words.text(`account.add.${type}`)}${addUrls.filter((other) => other.type === type).length > 1 && ownName !== "" && html` (${name(ownName)})`}</span></a>
`,
  )}</div>
</section>`;
}
