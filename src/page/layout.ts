/** The frame around every page: head, logo, one main landmark with one panel. */
import { assetUrl } from "./asset-url.ts";
import { type Child, type Html, html } from "./html.ts";
import type { Locale } from "./messages.ts";
import { safeUrl } from "./safe-url.ts";

/** What every page needs to know about its surroundings. */
export interface PageContext {
  /** `frontend.issuer`: the name people know this service by. */
  readonly issuerName: string;
  /** `frontend.logoURL`: absolute, or below the issuer's path. */
  readonly logoUrl: string;
  /** Path of the page being answered; asset addresses are relative to it. */
  readonly requestPath: string;
  /** The issuer's path, "/dex"; "" or "/" when it has none. */
  readonly serverPath: string;
  /** `frontend.theme`. */
  readonly theme: string;
  readonly locale: Locale;
  /** Shown on error pages, and the key of the trail in the log. */
  readonly traceId?: string;
}

/** One page: typed props in, a whole document out. */
export type Page<Props> = (context: PageContext, props: Props) => Html;

/** A hidden form field that the page only carries. */
export interface HiddenField {
  readonly name: string;
  readonly value: string;
}

export interface LayoutProps {
  /** What this page is about; the issuer's name is added. */
  readonly title: string;
  /** Further classes of the panel. */
  readonly panelClass?: string;
  readonly content: Child;
  /** Path of an external script. Absent means that the page runs none. */
  readonly script?: string;
  /** Where the browser goes on to by itself, also without scripts. */
  readonly refresh?: { readonly seconds: number; readonly url: string };
}

/**
 * Tells the browser which colours to paint before the sheet arrives, or a dark page flashes white.
 * Nothing for a custom theme: only its own sheet knows.
 */
function colorScheme(theme: string): Child {
  if (theme === "light") return html`<meta name="color-scheme" content="light dark">`;
  return theme === "dark" && html`<meta name="color-scheme" content="dark">`;
}

export function layout(context: PageContext, props: LayoutProps): Html {
  const asset = (path: string): string => assetUrl(context.serverPath, context.requestPath, path);
  return html`<!DOCTYPE html>
<html lang="${context.locale}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${colorScheme(context.theme)}
<meta name="robots" content="noindex">
<title>${props.title} · ${context.issuerName}</title>
<link rel="stylesheet" href="${asset("static/main.css")}">
<link rel="stylesheet" href="${asset("theme/styles.css")}">
<link rel="icon" href="${asset("theme/favicon.png")}">
${props.refresh !== undefined && html`<meta http-equiv="refresh" content="${`${props.refresh.seconds};url=${safeUrl(props.refresh.url)}`}">`}
${props.script !== undefined && html`<script src="${asset(props.script)}" defer></script>`}
</head>
<body class="theme-body">
<header class="theme-navbar"><div class="theme-navbar__logo-wrap">
<img class="theme-navbar__logo" src="${asset(context.logoUrl)}" alt="${context.issuerName}">
</div></header>
<main class="dex-container">
<div class="theme-panel${props.panelClass !== undefined && ` ${props.panelClass}`}">
${props.content}
</div>
</main>
</body>
</html>
`;
}

/** A name that others chose, set apart so that its writing direction cannot reorder our sentence. Unicode UAX #9. */
export function name(text: string): Html {
  return html`<bdi>${text}</bdi>`;
}

export function hiddenFields(fields: readonly HiddenField[] | undefined): Child {
  return fields?.map((field) => html`<input type="hidden" name="${field.name}" value="${field.value}">`);
}

/** The box above a form that was refused. Fields point at it through {@link refusedField}. */
export function errorBox(id: string, sentence: string): Html {
  return html`<div id="${id}" class="dex-error-box" role="alert">${sentence}</div>`;
}

/** Attributes of a field while its form is refused: tells screen readers what is wrong, and where. WCAG 3.3.1. */
export function refusedField(isRefused: boolean, errorId: string): Readonly<Record<string, string | undefined>> {
  return isRefused ? { "aria-invalid": "true", "aria-describedby": errorId } : {};
}

/** The sign above a page that reports a result. Drawn in the text colour, so it survives forced colours. */
export function statusSign(kind: "done" | "problem"): Html {
  const path = kind === "done" ? "M5 12.5l4.5 4.5L19 7.5" : "M12 6.5v7M12 17.3v.2";
  return html`<div class="dex-status dex-status--${kind}"><svg viewBox="0 0 24 24" width="28" height="28" fill="none" stroke="currentColor" stroke-width="2.25" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="${path}"/></svg></div>`;
}
