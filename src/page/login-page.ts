/** The choice among several ways to log in: `/auth` without a connector. Dex's login.html. */
import { attributes, type Child, type Html, html } from "./html.ts";
import { layout, name, type PageContext } from "./layout.ts";
import { type Words, wordsOf } from "./messages.ts";
import { signupInvitation } from "./signup-page.ts";

export interface ConnectorChoice {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  /** Chooses the icon. */
  readonly type: string;
  /** It cannot be used now. Why is the operator's business. */
  readonly isUnavailable?: boolean;
}

export interface LoginPageProps {
  readonly connectors: readonly ConnectorChoice[];
  /** Present when accounts can be made here. */
  readonly signupUrl?: string;
}

/** Icon classes are one word: anything else in a type would smuggle in further classes. */
const iconClass = (type: string): string => (/^[\w-]+$/.test(type) ? ` dex-btn-icon--${type}` : "");

function choice(words: Words, connector: ConnectorChoice): Html {
  const isUnavailable = connector.isUnavailable === true;
  const label = html`<span class="dex-btn-icon${iconClass(connector.type)}" aria-hidden="true"></span>
<span class="dex-btn-text">${words.rich("login.with", { connector: name(connector.name) })}${
    isUnavailable && html`<span class="dex-btn-note">${words.text("connector.unavailable")}</span>`
  }</span>`;
  const common = attributes({ class: "dex-btn dex-btn-provider theme-btn-provider", "data-connector": connector.id });
  // A link without href: announced as unavailable, skipped by the keyboard, impossible to follow.
  return isUnavailable
    ? html`<li class="theme-form-row"><a role="link" aria-disabled="true"${common}>${label}</a></li>`
    : html`<li class="theme-form-row"><a href="${connector.url}"${common}>${label}</a></li>`;
}

function choices(words: Words, connectors: readonly ConnectorChoice[]): Child {
  if (connectors.length === 0) return html`<p class="dex-subtle-text">${words.text("login.none")}</p>`;
  return html`<p class="dex-subtle-text">${words.text("login.choose")}</p>
<ul class="dex-providers" role="list">
${connectors.map((connector) => choice(words, connector))}
</ul>`;
}

export function loginPage(context: PageContext, props: LoginPageProps): Html {
  const words = wordsOf(context.locale);
  return layout(context, {
    title: words.text("login.title", { issuer: context.issuerName }),
    content: html`<h1 class="theme-heading">${words.rich("login.title", { issuer: name(context.issuerName) })}</h1>
${choices(words, props.connectors)}
${signupInvitation(words, props.signupUrl)}`,
  });
}
