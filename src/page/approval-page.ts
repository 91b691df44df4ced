/** Consent: what the client wants, who asks, where the answer goes. `/approval`. Dex's approval.html. */
import { clientHeader, scopeList } from "./client-request.ts";
import { destinationSentence } from "./destination.ts";
import { type Html, html } from "./html.ts";
import { type HiddenField, hiddenFields, layout, name, type PageContext } from "./layout.ts";
import { wordsOf } from "./messages.ts";
import { describeScopes } from "./scope-description.ts";

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

export function approvalPage(context: PageContext, props: ApprovalPageProps): Html {
  const words = wordsOf(context.locale);
  const scopes = describeScopes(words, props.scopes, props.peerNames ?? new Map());
  const destination = destinationSentence(words, props.redirectUri);
  return layout(context, {
    title: words.text("approval.title"),
    content: html`${clientHeader(words, words.text("approval.title"), props)}
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
