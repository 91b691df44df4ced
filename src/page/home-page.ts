/** The issuer's own address: whether this browser has a session, and what is in it. Dex's home.html. */
import { type Child, type Html, html } from "./html.ts";
import { layout, name, type PageContext } from "./layout.ts";
import { type Words, wordsOf } from "./messages.ts";

/** What an open session shows of itself. Empty and absent values are left out. */
export interface HomeSession {
  readonly username: string;
  readonly email: string;
  readonly emailVerified: boolean;
  readonly groups: readonly string[];
  readonly connectorName: string;
  /** Milliseconds since the epoch, as {@link expires}. */
  readonly signedIn?: number;
  readonly expires?: number;
  /** The session ends then only if it is not used before. */
  readonly isExpiryIdle: boolean;
  readonly ipAddress: string;
  readonly userAgent: string;
  /** Absolute. */
  readonly logoutUrl: string;
  /** Where sessions and permissions are managed. */
  readonly accountUrl?: string;
}

export interface HomePageProps {
  /** Absolute. */
  readonly discoveryUrl: string;
  /** Absent when nobody is logged in, or sessions are off. */
  readonly session?: HomeSession;
}

function fact(label: string, value: Child, className?: string): Child {
  if (value === undefined || value === "") return undefined;
  return html`<div class="dex-fact"><dt>${label}</dt><dd class="${className}">${value}</dd></div>
`;
}

/** A list that scrolls must be reachable by keyboard: hence the tabindex. WCAG 2.1.1. */
function groupFact(words: Words, groups: readonly string[]): Child {
  if (groups.length === 0) return undefined;
  return html`<div class="dex-fact"><dt id="groups-label">${words.text("home.groups")} <span class="dex-count">${groups.length}</span></dt>
<dd><ul class="dex-groups" role="list" tabindex="0" aria-labelledby="groups-label">${groups.map((group) => html`<li>${name(group)}</li>`)}</ul></dd></div>
`;
}

function identity(words: Words, session: HomeSession): Html {
  const state = session.emailVerified
    ? html`<span class="dex-identity__state">(${words.text("home.verified")})</span>`
    : html`<span class="dex-identity__state dex-identity__state--warn">(${words.text("home.notVerified")})</span>`;
  return html`<div class="dex-identity">
<h1 class="dex-identity__name">${session.username === "" ? words.text("home.identity") : name(session.username)}</h1>
${session.email !== "" && html`<div class="dex-identity__email">${name(session.email)} ${state}</div>`}
</div>`;
}

function signedIn(words: Words, session: HomeSession): Html {
  return html`${identity(words, session)}
<dl class="dex-facts">
${fact(words.text("home.connector"), session.connectorName)}${session.signedIn !== undefined && fact(words.text("home.signedIn"), words.time(session.signedIn))}${
  session.expires &&
  fact(words.text(session.isExpiryIdle ? "home.expiresIdle" : "home.expires"), words.time(session.expires))
}${fact(words.text("home.address"), session.ipAddress)}${groupFact(words, session.groups)}${fact(words.text("home.browser"), session.userAgent, "dex-fact__long")}</dl>
<div class="dex-home__actions"><a href="${session.logoutUrl}" class="dex-btn theme-btn--primary">${words.text("home.logout")}</a></div>
${session.accountUrl !== undefined && html`<div class="dex-home__footer"><a href="${session.accountUrl}" class="dex-home__link">${words.text("home.account")}</a></div>`}`;
}

function signedOut(words: Words, issuerName: string): Html {
  return html`<div class="dex-home__empty">
<h1 class="dex-home__empty-title">${words.text("home.title")}</h1>
<p class="dex-home__empty-text">${words.rich("home.explain", { issuer: name(issuerName) })}</p>
</div>`;
}

export function homePage(context: PageContext, props: HomePageProps): Html {
  const words = wordsOf(context.locale);
  return layout(context, {
    title: words.text("home.product"),
    panelClass: "dex-home",
    content: html`${props.session === undefined ? signedOut(words, context.issuerName) : signedIn(words, props.session)}
<div class="dex-home__footer"><a href="${props.discoveryUrl}" class="dex-home__link">${words.text("home.discovery")}</a></div>`,
  });
}
