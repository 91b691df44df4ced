/** How a step around one's own account ended. */
import { type Html, html } from "./html.ts";
import { layout, type PageContext, statusSign } from "./layout.ts";
import { wordsOf } from "./messages.ts";

export type SelfServiceDone =
  | "created"
  | "createdMailed"
  | "mailed"
  | "reset"
  | "verified"
  | "rejected"
  | "password"
  | "email"
  | "confirmed";
export type SelfServiceFailed = "token" | "noMail";

export interface SelfServiceResultPageProps {
  readonly result: { readonly done: SelfServiceDone } | { readonly failed: SelfServiceFailed };
  /** Where to go on: a login that waits, or the account. Both are proved to be paths of ours. */
  readonly next?: { readonly kind: "login" | "account"; readonly url: string };
}

export function selfServiceResultPage(context: PageContext, { result, next }: SelfServiceResultPageProps): Html {
  const words = wordsOf(context.locale);
  const isDone = "done" in result;
  const title = words.text(isDone ? `self.done.${result.done}.title` : `self.failed.${result.failed}.title`);
  const explain = words.text(isDone ? `self.done.${result.done}.explain` : `self.failed.${result.failed}.explain`);
  const mayRestart = isDone && result.done !== "mailed" && result.done !== "email" && result.done !== "rejected";
  return layout(context, {
    title,
    content: html`${statusSign(isDone ? "done" : "problem")}
<h1 class="theme-heading">${title}</h1>
<p>${explain}</p>
${
  next !== undefined
    ? html`<a id="continue" href="${next.url}" class="dex-btn theme-btn--primary">${words.text(next.kind === "login" ? "self.continue" : "self.account")}</a>`
    : mayRestart && html`<p class="dex-subtle-text">${words.text("self.restart")}</p>`
}`,
  });
}
