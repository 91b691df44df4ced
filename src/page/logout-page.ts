/** Before and after a logout: `/logout`. Dex's logout.html. */
import { type Child, type Html, html } from "./html.ts";
import { type HiddenField, hiddenFields, layout, name, type PageContext, statusSign } from "./layout.ts";
import { type Words, wordsOf } from "./messages.ts";

export type LogoutPageProps =
  | {
      /** Nothing has ended yet: the person is asked first. */
      readonly kind: "confirm";
      readonly postUrl: string;
      /** Who would be logged out. */
      readonly user?: string;
      /** Parameters of the request that must survive the question. */
      readonly hidden?: readonly HiddenField[];
    }
  | {
      /** `none`: there was no session to end. */
      readonly kind: "done" | "none";
      readonly backUrl?: string;
    };

function confirmation(words: Words, props: Extract<LogoutPageProps, { readonly kind: "confirm" }>): Child {
  return html`<h1 class="theme-heading">${words.text("logout.confirm.title")}</h1>
${
  props.user !== undefined &&
  html`<p>${words.rich("approval.user", { user: html`<strong>${name(props.user)}</strong>` })}</p>`
}
<p class="dex-subtle-text">${words.text("logout.confirm.explain")}</p>
<form method="post" action="${props.postUrl}" class="dex-actions">
${hiddenFields(props.hidden)}
<button type="submit" class="dex-btn theme-btn--primary">${words.text("logout.confirm.submit")}</button>
</form>`;
}

function result(words: Words, props: Extract<LogoutPageProps, { readonly kind: "done" | "none" }>): Child {
  const { backUrl } = props;
  return html`${statusSign("done")}
<h1 class="theme-heading">${words.text(`logout.${props.kind}.title`)}</h1>
<p class="dex-subtle-text">${words.text(`logout.${props.kind}.explain`)}</p>
${
  backUrl !== undefined &&
  backUrl !== "" &&
  html`<div class="dex-actions"><a href="${backUrl}" class="dex-btn theme-btn-provider"><span class="dex-btn-text">${words.text("logout.back")}</span></a></div>`
}`;
}

export function logoutPage(context: PageContext, props: LogoutPageProps): Html {
  const words = wordsOf(context.locale);
  const isQuestion = props.kind === "confirm";
  return layout(context, {
    title: words.text(`logout.${props.kind}.title`),
    ...(isQuestion ? {} : { panelClass: "dex-result" }),
    content: isQuestion ? confirmation(words, props) : result(words, props),
  });
}
