/**
 * A form that takes the browser elsewhere with a POST. The button is always there, so the page works without
 * JavaScript; a caller whose Content-Security-Policy allows our own script may let it press the button.
 */
import { type Html, html } from "./html.ts";
import { type HiddenField, hiddenFields, layout, name, type PageContext } from "./layout.ts";
import { wordsOf } from "./messages.ts";

/** `static/continue.js` needs `script-src 'self'`. */
export const continueScript = "static/continue.js";

interface ForwardProps {
  /** `http:` or `https:`; other schemes cannot be posted to. */
  readonly postTo: string;
  readonly fields: readonly HiddenField[];
  /** Lets {@link continueScript} press the button. Default: the person does. */
  readonly isAutomatic?: boolean;
}

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : url);

function forwardPage(context: PageContext, props: ForwardProps, explain: string): Html {
  const words = wordsOf(context.locale);
  const host = hostOf(props.postTo);
  return layout(context, {
    title: words.text("forward.title", { host }),
    panelClass: "dex-result",
    ...(props.isAutomatic === true ? { script: continueScript } : {}),
    content: html`<h1 class="theme-heading">${words.rich("forward.title", { host: name(host) })}</h1>
<p class="dex-subtle-text">${explain}</p>
<form id="continue-form" method="post" action="${props.postTo}" class="dex-actions">
${hiddenFields(props.fields)}
<button id="continue" type="submit" class="dex-btn theme-btn--primary" autofocus>${words.text("forward.submit")}</button>
</form>`,
  });
}

/** To a SAML identity provider, HTTP-POST binding. */
export interface SamlPostPageProps {
  readonly postTo: string;
  /** Base64. */
  readonly samlRequest: string;
  readonly relayState: string;
  readonly isAutomatic?: boolean;
}

/** SAML Bindings §3.5. */
export function samlPostPage(context: PageContext, props: SamlPostPageProps): Html {
  const fields = [
    { name: "SAMLRequest", value: props.samlRequest },
    { name: "RelayState", value: props.relayState },
  ];
  return forwardPage(context, { ...props, fields }, wordsOf(context.locale).text("forward.saml"));
}

/** To a client that asked for `response_mode=form_post`. */
export interface FormPostPageProps {
  readonly redirectUri: string;
  /** The authorization response: `code`, `state`, `iss`, or an error. */
  readonly response: readonly HiddenField[];
  readonly isAutomatic?: boolean;
}

/** OAuth 2.0 Form Post Response Mode §2. */
export function formPostPage(context: PageContext, props: FormPostPageProps): Html {
  const { redirectUri: postTo, response: fields } = props;
  return forwardPage(context, { ...props, postTo, fields }, wordsOf(context.locale).text("forward.client"));
}
