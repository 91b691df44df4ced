/** Links below a question for a second factor: to the person's other factors, and to their recovery codes. */
import { type Child, html } from "./html.ts";
import type { Words } from "./messages.ts";

export interface OtherWay {
  readonly type: "TOTP" | "WebAuthn" | "recovery";
  readonly url: string;
}

export const otherWays = (words: Words, ways: readonly OtherWay[] = []): Child =>
  ways.map(
    ({ type, url }) =>
      html`<div class="theme-link-back"><a class="dex-subtle-text" id="use-${type.toLowerCase()}" href="${url}">${words.text(type === "recovery" ? "recovery.use" : `factor.other.${type}`)}</a></div>
`,
  );
