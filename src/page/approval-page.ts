/** Consent: what the client wants, who asks, where the answer goes. `/approval`. Dex's approval.html. */
import { destinationSentence } from "./destination.ts";
import { type Child, type Html, html } from "./html.ts";
import { type HiddenField, hiddenFields, layout, name, type PageContext } from "./layout.ts";
import { type Words, wordsOf } from "./messages.ts";
import { isShownLogo } from "./safe-url.ts";
import { describeScopes, type ScopeDescription } from "./scope-description.ts";

export interface ApprovalPageProps {
  /** The current URL with its query: the step's MAC stays there. */
  readonly postUrl: string;
  /** Value of the field `req`. */
  readonly req: string;
  /** Who is logged in. */
  readonly user: string;
  readonly clientName: string;
  readonly clientLogoUrl?: string;
  /** The client's registered redirect URI, from which the destination is told. */
  readonly redirectUri: string;
  /** As requested. */
  readonly scopes: readonly string[];
  /** Display names of clients that `audience:server:client_id:` scopes name, by client id. */
  readonly peerNames?: ReadonlyMap<string, string>;
  readonly hidden?: readonly HiddenField[];
}

function clientHeader(words: Words, props: ApprovalPageProps): Html {
  const logo = props.clientLogoUrl;
  return html`<div class="dex-client">
${logo !== undefined && isShownLogo(logo) && html`<img class="dex-client__logo" src="${logo}" alt="" width="56" height="56" referrerpolicy="no-referrer">`}
<h1 class="theme-heading">${words.text("approval.title")}</h1>
<p class="dex-subtle-text">${words.rich("approval.asks", { client: html`<strong>${name(props.clientName)}</strong>` })}</p>
</div>`;
}

function scopeList(words: Words, client: string, scopes: readonly ScopeDescription[]): Child {
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

export function approvalPage(context: PageContext, props: ApprovalPageProps): Html {
  const words = wordsOf(context.locale);
  const scopes = describeScopes(words, props.scopes, props.peerNames ?? new Map());
  const destination = destinationSentence(words, props.redirectUri);
  return layout(context, {
    title: words.text("approval.title"),
    content: html`${clientHeader(words, props)}
<hr class="dex-separator">
${scopeList(words, props.clientName, scopes)}
<hr class="dex-separator">
<p class="dex-subtle-text">${words.rich("approval.user", { user: html`<strong>${name(props.user)}</strong>` })} ${destination}</p>
<form method="post" action="${props.postUrl}" class="dex-actions">
<input type="hidden" name="req" value="${props.req}">
${hiddenFields(props.hidden)}
<button type="submit" name="approval" value="approve" class="dex-btn theme-btn--success"><span class="dex-btn-text">${words.text("approval.allow")}</span></button>
<button type="submit" name="approval" value="rejected" class="dex-btn theme-btn-provider"><span class="dex-btn-text">${words.text("approval.deny")}</span></button>
</form>`,
  });
}
