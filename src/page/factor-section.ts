/** The second factors on the account page: what there is, how many recovery codes are left, and how to change it. */
import { type Html, html } from "./html.ts";
import { name, type PageContext } from "./layout.ts";
import { wordsOf } from "./messages.ts";

export interface ShownFactor {
  readonly id: string;
  readonly label: string;
  /** The last one stays: without it the next login would be open to whoever knows the password. */
  readonly mayRemove: boolean;
}

export interface FactorSectionProps {
  readonly postUrl: string;
  readonly csrf: string;
  readonly factors: readonly ShownFactor[];
  readonly codesLeft: number;
}

export function factorSection(context: PageContext, props: FactorSectionProps): Html {
  const words = wordsOf(context.locale);
  const form = (
    action: string,
    subject: string,
    label: string,
  ): Html => html`<form method="post" action="${props.postUrl}">
<input type="hidden" name="csrf" value="${props.csrf}">
<input type="hidden" name="action" value="${action}">
<input type="hidden" name="subject" value="${subject}">
<button type="submit" class="dex-btn dex-btn--small theme-btn-provider"><span class="dex-btn-text">${label}</span></button>
</form>`;
  return html`<section class="dex-section" aria-labelledby="factors-title">
<h2 class="dex-section__title" id="factors-title">${words.text("account.factors")}</h2>
<ul class="dex-rows" role="list">${props.factors.map(
    (factor) => html`<li class="dex-row"><div class="dex-row__title">${name(factor.label)}</div>
${factor.mayRemove && form("remove-factor", factor.id, words.text("account.removeFactor"))}</li>
`,
  )}<li class="dex-row"><div class="dex-row__title">${words.text("account.codesLeft", { count: String(props.codesLeft) })}</div>
${form("renew-codes", "", words.text("account.renewCodes"))}</li></ul>
</section>`;
}
