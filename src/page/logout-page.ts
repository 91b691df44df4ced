/** Before and after a logout: `/logout`. Dex's logout.html. */
import { type Child, type Html, html } from "./html.ts";
import { type HiddenField, hiddenFields, layout, name, type PageContext, statusSign } from "./layout.ts";
import { type Words, wordsOf } from "./messages.ts";

/** Where the person goes on to, by a press of a button or by itself. */
export type LogoutNext =
  | { readonly kind: "link"; readonly url: string }
  | { readonly kind: "form"; readonly postTo: string; readonly fields: readonly HiddenField[] };

/** What the logout has reached, in display names. */
export interface ShownOutcome {
  /** Applications that have heard. */
  readonly told: readonly string[];
  /** Those that did not answer yet and are told again. */
  readonly pending: readonly string[];
  /** Those that hear of no logout. */
  readonly unaware: readonly string[];
  readonly upstream?: { readonly name: string; readonly isEnded: boolean };
}

interface LogoutResult {
  /** `none`: there was no session to end. */
  readonly kind: "done" | "none";
  readonly backUrl?: string;
  readonly outcome?: ShownOutcome;
  /** Pages of applications that the browser loads, so that they end their own sessions. OIDC Front-Channel Logout §2. */
  readonly frames?: readonly string[];
  readonly next?: LogoutNext;
}

export type LogoutPageProps =
  | {
      /** Nothing has ended yet: the person is asked first. */
      readonly kind: "confirm";
      readonly postUrl: string;
      /** Who would be logged out. */
      readonly user?: string;
      /** The application that asks, as far as it says. */
      readonly clientName?: string;
      /** Parameters of the request that must survive the question. */
      readonly hidden?: readonly HiddenField[];
    }
  | LogoutResult;

function confirmation(words: Words, props: Extract<LogoutPageProps, { readonly kind: "confirm" }>): Child {
  return html`<h1 class="theme-heading">${words.text("logout.confirm.title")}</h1>
${
  props.user !== undefined &&
  html`<p>${words.rich("approval.user", { user: html`<strong>${name(props.user)}</strong>` })}</p>`
}
${
  props.clientName !== undefined &&
  html`<p>${words.rich("logout.confirm.client", { client: html`<strong>${name(props.clientName)}</strong>` })}</p>`
}
<p class="dex-subtle-text">${words.text("logout.confirm.explain")}</p>
<form method="post" action="${props.postUrl}" class="dex-actions">
${hiddenFields(props.hidden)}
<button type="submit" class="dex-btn theme-btn--primary">${words.text("logout.confirm.submit")}</button>
</form>`;
}

function applications(
  words: Words,
  key: "logout.apps.told" | "logout.apps.pending" | "logout.apps.unaware",
  names: readonly string[],
): Child {
  if (names.length === 0) return undefined;
  return html`<p id="${key}">${words.text(key)}</p>
<ul class="${key === "logout.apps.told" ? "dex-list" : "dex-plain-list"}" role="list" aria-labelledby="${key}">${names.map((each) => html`<li>${name(each)}</li>`)}</ul>
`;
}

/** What ended and what did not: a person on a shared computer must know. */
function reached(words: Words, outcome: ShownOutcome | undefined): Child {
  if (outcome === undefined) return undefined;
  const { upstream } = outcome;
  return html`<div class="dex-reached">
${applications(words, "logout.apps.told", outcome.told)}${applications(words, "logout.apps.pending", outcome.pending)}${applications(words, "logout.apps.unaware", outcome.unaware)}${
  upstream !== undefined &&
  html`<p>${words.rich(upstream.isEnded ? "logout.upstream.ended" : "logout.upstream.open", { connector: name(upstream.name) })}</p>`
}
</div>`;
}

/** Each of its own origin, kept from taking the whole page away. */
function framesOf(frames: readonly string[] | undefined): Child {
  return frames?.map(
    (url) =>
      html`<iframe class="dex-frame" src="${url}" title="" aria-hidden="true" tabindex="-1" sandbox="allow-scripts allow-same-origin allow-forms" referrerpolicy="no-referrer"></iframe>`,
  );
}

function onward(words: Words, next: LogoutNext | undefined): Child {
  if (next === undefined) return undefined;
  if (next.kind === "link") {
    return html`<div class="dex-actions"><a id="continue" href="${next.url}" class="dex-btn theme-btn--primary">${words.text("forward.submit")}</a></div>`;
  }
  return html`<form method="post" action="${next.postTo}" class="dex-actions">
${hiddenFields(next.fields)}
<button id="continue" type="submit" class="dex-btn theme-btn--primary">${words.text("forward.submit")}</button>
</form>`;
}

function result(words: Words, props: LogoutResult): Child {
  const { backUrl } = props;
  return html`${statusSign("done")}
<h1 class="theme-heading">${words.text(`logout.${props.kind}.title`)}</h1>
<p class="dex-subtle-text">${words.text(`logout.${props.kind}.explain`)}</p>
${reached(words, props.outcome)}
${framesOf(props.frames)}
${onward(words, props.next)}
${
  backUrl !== undefined &&
  backUrl !== "" &&
  html`<div class="dex-actions"><a href="${backUrl}" class="dex-btn theme-btn-provider"><span class="dex-btn-text">${words.text("logout.back")}</span></a></div>`
}`;
}

/** Seconds for the frames to load before the browser goes on by itself; the button does not wait. */
const framesTake = 4;

export function logoutPage(context: PageContext, props: LogoutPageProps): Html {
  const words = wordsOf(context.locale);
  if (props.kind === "confirm") {
    return layout(context, { title: words.text("logout.confirm.title"), content: confirmation(words, props) });
  }
  const refresh = props.next?.kind === "link" ? { seconds: framesTake, url: props.next.url } : undefined;
  return layout(context, {
    title: words.text(`logout.${props.kind}.title`),
    panelClass: "dex-result",
    ...(refresh === undefined ? {} : { refresh }),
    content: result(words, props),
  });
}
