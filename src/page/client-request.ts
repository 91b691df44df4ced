/** What a person is shown before they let a client have something: consent, and the device flow's confirmation. */
import { type Child, type Html, html } from "./html.ts";
import { name } from "./layout.ts";
import type { Words } from "./messages.ts";
import { isShownLogo } from "./safe-url.ts";
import type { ScopeDescription } from "./scope-description.ts";

/** The client as it presents itself. */
export interface ShownClient {
  readonly clientName: string;
  readonly clientLogoUrl?: string;
}

/** Who asks, under `title`. */
export function clientHeader(words: Words, title: string, props: ShownClient): Html {
  const logo = props.clientLogoUrl;
  return html`<div class="dex-client">
${logo !== undefined && isShownLogo(logo) && html`<img class="dex-client__logo" src="${logo}" alt="" width="56" height="56" referrerpolicy="no-referrer">`}
<h1 class="theme-heading">${title}</h1>
<p class="dex-subtle-text">${words.rich("approval.asks", { client: html`<strong>${name(props.clientName)}</strong>` })}</p>
</div>`;
}

/** What it asks for. */
export function scopeList(words: Words, client: string, scopes: readonly ScopeDescription[]): Child {
  if (scopes.length === 0) return html`<p>${words.rich("approval.noScopes", { client: name(client) })}</p>`;
  return html`<p id="scopes-label">${words.rich("approval.scopes", { client: name(client) })}</p>
<ul class="dex-list" role="list" aria-labelledby="scopes-label">
${scopes.map(
  (
    scope,
  ) => html`<li><span class="dex-list__summary">${scope.summary}</span><span class="dex-subtle-text">${scope.detail}</span></li>
`,
)}</ul>`;
}
