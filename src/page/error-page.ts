/** A refusal or a fault, told to a person: what happened, what to do next, what to quote. Dex's error.html. */
import { STATUS_CODES } from "node:http";
import { attributes, type Html, html } from "./html.ts";
import { layout, type PageContext, statusSign } from "./layout.ts";
import { type Words, wordsOf } from "./messages.ts";

export interface ErrorPageProps {
  /** HTTP status of the answer: 400 to 599. */
  readonly status: number;
  /** What went wrong, safe for anyone to read, in English whatever the page's language. May be empty. */
  readonly message: string;
  /** Where trying again makes sense. */
  readonly retryUrl?: string;
}

function titleOf(words: Words, status: number): string {
  if (status === 401 || status === 403) return words.text("error.title.denied");
  if (status === 404 || status === 405 || status === 410) return words.text("error.title.missing");
  if (status === 429) return words.text("error.title.tooMany");
  if (status === 502 || status === 503 || status === 504) return words.text("error.title.busy");
  return words.text(status >= 500 ? "error.title.fault" : "error.title.request");
}

/** Waiting helps against load and outages; a refused request stays refused until it is made anew. */
function adviceOf(words: Words, status: number): string {
  return words.text(status === 429 || status >= 502 ? "error.advice.retry" : "error.advice.restart");
}

function facts(words: Words, context: PageContext, status: number): Html {
  return html`<dl class="dex-trace">
<div><dt>${words.text("error.status")}</dt><dd>${status} ${STATUS_CODES[status]}</dd></div>
${
  context.traceId !== undefined &&
  html`<div><dt>${words.text("error.trace")}</dt><dd><code id="trace-id">${context.traceId}</code></dd></div>`
}
</dl>`;
}

export function errorPage(context: PageContext, props: ErrorPageProps): Html {
  const words = wordsOf(context.locale);
  const title = titleOf(words, props.status);
  const isTraced = context.traceId !== undefined;
  return layout(context, {
    title: `${words.text("error.prefix")}: ${title}`,
    panelClass: "dex-result",
    content: html`${statusSign("problem")}
<h1 class="theme-heading">${title}</h1>
${props.message !== "" && html`<p class="dex-message" dir="auto"${attributes({ lang: context.locale === "en" ? undefined : "en" })}>${props.message}</p>`}
<p class="dex-subtle-text">${adviceOf(words, props.status)}${isTraced && ` ${words.text("error.advice.administrator")}`}</p>
${props.retryUrl !== undefined && html`<div class="dex-actions"><a class="dex-btn theme-btn--primary" href="${props.retryUrl}">${words.text("error.retry")}</a></div>`}
${facts(words, context, props.status)}`,
  });
}
