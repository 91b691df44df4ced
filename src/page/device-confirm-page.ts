/**
 * What is approved, by which client, before anybody signs in for it: `/device/auth/verify_code`. The link that led here
 * may have been sent by somebody else. RFC 8628 §5.4.
 */
import { clientHeader, scopeList } from "./client-request.ts";
import { type Html, html } from "./html.ts";
import { layout, type PageContext } from "./layout.ts";
import { wordsOf } from "./messages.ts";
import { describeScopes } from "./scope-description.ts";

export interface DeviceConfirmPageProps {
  readonly postUrl: string;
  /** As the device shows it. */
  readonly userCode: string;
  /** Value of the field `confirm`: proof that this browser was asked. */
  readonly confirm: string;
  readonly clientName: string;
  readonly clientLogoUrl?: string;
  readonly scopes: readonly string[];
  readonly peerNames: ReadonlyMap<string, string>;
}

export function deviceConfirmPage(context: PageContext, props: DeviceConfirmPageProps): Html {
  const words = wordsOf(context.locale);
  const scopes = describeScopes(words, props.scopes, props.peerNames);
  return layout(context, {
    title: words.text("device.confirm.title"),
    content: html`${clientHeader(words, words.text("device.confirm.title"), props)}
<hr class="dex-separator">
${scopeList(words, props.clientName, scopes)}
<hr class="dex-separator">
<p>${words.text("device.confirm.compare")}</p>
<p><strong class="dex-code" dir="ltr">${props.userCode}</strong></p>
<p class="dex-subtle-text dex-hint">${words.text("device.careful")}</p>
<form method="post" action="${props.postUrl}" class="dex-actions">
<input type="hidden" name="user_code" value="${props.userCode}">
<input type="hidden" name="confirm" value="${props.confirm}">
<button type="submit" name="approval" value="approve" class="dex-btn theme-btn--success"><span class="dex-btn-text">${words.text("device.submit")}</span></button>
<button type="submit" name="approval" value="rejected" class="dex-btn theme-btn-provider"><span class="dex-btn-text">${words.text("approval.deny")}</span></button>
</form>`,
  });
}
