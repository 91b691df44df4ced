/** The code for an application that cannot be redirected to, for copying by hand. Dex's oob.html. */
import { type Html, html } from "./html.ts";
import { layout, type PageContext, statusSign } from "./layout.ts";
import { wordsOf } from "./messages.ts";

export interface OobPageProps {
  readonly code: string;
}

export function oobPage(context: PageContext, props: OobPageProps): Html {
  const words = wordsOf(context.locale);
  return layout(context, {
    title: words.text("oob.title"),
    panelClass: "dex-result",
    content: html`${statusSign("done")}
<h1 class="theme-heading">${words.text("oob.title")}</h1>
<p>${words.text("oob.explain")}</p>
<div class="theme-form-row">
<div class="theme-form-label"><label for="code">${words.text("oob.code")}</label></div>
<input id="code" type="text" class="theme-form-input dex-code" value="${props.code}" readonly autofocus autocomplete="off" spellcheck="false" aria-describedby="code-careful" dir="ltr">
</div>
<p id="code-careful" class="dex-subtle-text">${words.text("oob.careful")}</p>`,
  });
}
