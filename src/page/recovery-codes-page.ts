/** New recovery codes, the one time that they are seen. */
import { type Html, html } from "./html.ts";
import { hiddenFields, layout, type PageContext } from "./layout.ts";
import { wordsOf } from "./messages.ts";

export interface RecoveryCodesPageProps {
  readonly codes: readonly string[];
  readonly continueTo: string;
  /** Carried along. */
  readonly fields: Readonly<Record<string, string>>;
  /** How the browser goes on; `post` unless told. */
  readonly method?: "get" | "post";
}

export function recoveryCodesPage(
  context: PageContext,
  { codes, continueTo, fields, method = "post" }: RecoveryCodesPageProps,
): Html {
  const words = wordsOf(context.locale);
  const carried = Object.entries(fields).map(([field, value]) => ({ name: field, value }));
  return layout(context, {
    title: words.text("recovery.newTitle"),
    content: html`<h1 class="theme-heading">${words.text("recovery.newTitle")}</h1>
<p>${words.text("recovery.keep")}</p>
<ul class="dex-codes" id="recovery-codes" role="list" dir="ltr">${codes.map((code) => html`<li><code>${code}</code></li>`)}</ul>
<form method="${method}" action="${continueTo}">
${hiddenFields(carried)}
<button id="continue" type="submit" class="dex-btn theme-btn--primary">${words.text("recovery.kept")}</button>
</form>`,
  });
}
