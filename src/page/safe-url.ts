/** Which URLs may stand on a page. `javascript:` and its like run script in our origin, where the cookies are. */

/** Rendered for a URL that may not be followed: a link that leads nowhere. */
export const blockedUrl = "about:invalid";

// Browsers drop tabs and newlines anywhere and controls in front before they look for a scheme (URL §4.4).
// Dropping all of them finds a superset of what a browser would find. (NUL to space.)
// biome-ignore lint/suspicious/noControlCharactersInRegex: the control characters are the attack
const ignored = /[\u0000-\u0020]/g;
const scheme = /^[a-z][a-z0-9+.-]*:/i;

function schemeOf(url: string): string | undefined {
  return scheme.exec(url.replace(ignored, ""))?.[0].toLowerCase();
}

/** `url` if it is relative, `http:` or `https:`; else {@link blockedUrl}. */
export function safeUrl(url: string): string {
  const found = schemeOf(url);
  return found === undefined || found === "https:" || found === "http:" ? url : blockedUrl;
}

/** As {@link safeUrl}, and inline images. An image cannot run script, not even SVG. */
export function safeImageUrl(url: string): string {
  return /^data:image\/[a-z0-9.+-]+[;,]/i.test(url) ? url : safeUrl(url);
}

/** A logo that came with a client: the pages' Content-Security-Policy shows only `https:` and inline images. */
export function isShownLogo(url: string): boolean {
  return /^https:\/\//i.test(url) || /^data:image\/[a-z0-9.+-]+[;,]/i.test(url);
}
