import { catalogues, defaultLocale, type Locale } from "./messages.ts";

/** More wishes than this are a flood, not a person. */
const mostWishes = 20;

/**
 * The language of a page: the first of `uiLocales` that we speak (OIDC Core §3.1.2.1), else the browser's best
 * (RFC 9110 §12.5.4), else English. `de-AT` is content with `de`: lookup by RFC 4647 §3.4.
 */
export function chooseLocale(uiLocales: readonly string[], acceptLanguage: string | undefined): Locale {
  for (const tag of [...uiLocales.slice(0, mostWishes), ...readAcceptLanguage(acceptLanguage ?? "")]) {
    const found = lookUp(tag);
    if (found !== undefined) return found;
  }
  return defaultLocale;
}

const locales: ReadonlyMap<string, Locale> = new Map(
  (Object.keys(catalogues) as Locale[]).map((locale) => [locale.toLowerCase(), locale]),
);

/** Shorter and shorter: `zh-Hant-TW`, `zh-Hant`, `zh`. */
function lookUp(tag: string): Locale | undefined {
  const parts = tag.toLowerCase().split(/[-_]/, mostWishes);
  for (let length = parts.length; length > 0; length--) {
    const found = locales.get(parts.slice(0, length).join("-"));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The tags by falling weight, in their own order where weights are equal; `*` and what has weight 0 ask for nothing. */
function readAcceptLanguage(header: string): readonly string[] {
  const wishes = header
    .split(",", mostWishes)
    .map((wish) => /^\s*([a-z]{1,8}(?:-[a-z0-9]{1,8})*)\s*(?:;\s*q=(\d(?:\.\d{0,3})?)\s*)?$/i.exec(wish))
    .flatMap((match) => (match?.[1] === undefined ? [] : [{ tag: match[1], weight: Number(match[2] ?? "1") }]));
  return wishes
    .filter(({ weight }) => weight > 0)
    .toSorted((a, b) => b.weight - a.weight)
    .map(({ tag }) => tag);
}
