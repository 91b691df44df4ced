/**
 * A form that takes the browser elsewhere with a POST. The button is always there, so the page works without
 * JavaScript; a caller whose Content-Security-Policy allows our own script may let it press the button.
 */
import { type Html, html } from "./html.ts";
import { type HiddenField, hiddenFields, layout, name, type PageContext } from "./layout.ts";
import { wordsOf } from "./messages.ts";

/** `static/continue.js` needs `script-src 'self'`. */
const continueScript = "static/continue.js";

export interface ForwardPageProps {
  /** `http:` or `https:`; other schemes cannot be posted to. */
  readonly postTo: string;
  readonly fields: readonly HiddenField[];
  /** Whom the form goes to: an application (Form Post Response Mode §2), an upstream (SAML Bindings §3.5), or us again. */
  readonly receiver: "client" | "upstream" | "self";
  /** Lets {@link continueScript} press the button. Default: the person does. */
  readonly isAutomatic?: boolean;
}

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : url);

const explanations = { client: "forward.client", upstream: "forward.saml", self: "forward.self" } as const;

export function forwardPage(context: PageContext, props: ForwardPageProps): Html {
  const words = wordsOf(context.locale);
  const host = hostOf(props.postTo);
  return layout(context, {
    title: words.text("forward.title", { host }),
    panelClass: "dex-result",
    ...(props.isAutomatic === true ? { script: continueScript } : {}),
    content: html`<h1 class="theme-heading">${words.rich("forward.title", { host: name(host) })}</h1>
<p class="dex-subtle-text">${words.text(explanations[props.receiver])}</p>
<form id="continue-form" method="post" action="${props.postTo}" class="dex-actions">
${hiddenFields(props.fields)}
<button id="continue" type="submit" class="dex-btn theme-btn--primary" autofocus>${words.text("forward.submit")}</button>
</form>`,
  });
}
