/** A refusal or a fault, told to a person: what happened, what to do next, what to quote. Dex's error.html. */
import { STATUS_CODES } from "node:http";
import { type Html, html } from "./html.ts";
import { layout, type PageContext, statusSign } from "./layout.ts";
import type { RefusalKey } from "./messages/refusals-en.ts";
import { type Words, wordsOf } from "./messages.ts";

export interface ErrorPageProps {
  /** HTTP status of the answer: 400 to 599. */
  readonly status: number;
  /** What went wrong. */
  readonly sentence: RefusalKey;
  /** The same in the protocol's words, safe for anyone, in English whatever the page's language. */
  readonly detail?: string;
  /** Seconds until another attempt counts: told instead of the sentence. */
  readonly wait?: number;
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
<div><dt>${words.text("error.status")}</dt><dd>${status} <span lang="en">${STATUS_CODES[status]}</span></dd></div>
${
  context.traceId !== undefined &&
  html`<div><dt>${words.text("error.trace")}</dt><dd><code id="trace-id">${context.traceId}</code></dd></div>`
}
</dl>`;
}

function messageOf(words: Words, { locale }: PageContext, { sentence, wait }: ErrorPageProps): string {
  if (wait === undefined) return words.text(sentence);
  const [count, unit] = wait < 120 ? [wait, "second"] : [Math.ceil(wait / 60), "minute"];
  const span = new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "long" }).format(count);
  return words.text("error.tooMany", { wait: span });
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
<p class="dex-message">${messageOf(words, context, props)}</p>
<p class="dex-subtle-text">${adviceOf(words, props.status)}${isTraced && ` ${words.text("error.advice.administrator")}`}</p>
${props.detail !== undefined && html`<p class="dex-subtle-text">${words.text("error.detail")} <span class="dex-detail" lang="en" dir="auto">${props.detail}</span></p>`}
${props.retryUrl !== undefined && html`<div class="dex-actions"><a class="dex-btn theme-btn--primary" href="${props.retryUrl}">${words.text("error.retry")}</a></div>`}
${facts(words, context, props.status)}`,
  });
}
