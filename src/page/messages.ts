/**
 * Every sentence a person can read on our pages, in one place and safe for anyone: none quotes a secret.
 * `messages/en.ts` and `messages/refusals-en.ts` are the model. Another language is two more files and a line in
 * `catalogues` and `compiled`; the types ask for every key, and a test for the same `{placeholders}`.
 */
import { type Child, type Html, html } from "./html.ts";
import { de } from "./messages/de.ts";
import { type Catalogue, en, type MessageKey } from "./messages/en.ts";
import { es } from "./messages/es.ts";
import { fr } from "./messages/fr.ts";

type English = typeof en;

/** One entry per language, by BCP 47 tag. */
export const catalogues = { en, de, es, fr } as const satisfies Readonly<Record<string, Catalogue>>;
export type Locale = keyof typeof catalogues;
export const defaultLocale: Locale = "en";

type Placeholders<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholders<Rest>
  : never;
type PlainKey = { readonly [K in MessageKey]: Placeholders<English[K]> extends never ? K : never }[MessageKey];
type FilledKey = Exclude<MessageKey, PlainKey>;
type Values<K extends MessageKey, V> = Readonly<Record<Placeholders<English[K]>, V>>;

/** The sentences of one language. */
export interface Words {
  /** For attributes and titles. */
  text(key: PlainKey): string;
  text<K extends FilledKey>(key: K, values: Values<K, string>): string;
  /** The same between tags, where a value may be markup. */
  rich<K extends FilledKey>(key: K, values: Values<K, Child>): Html;
  /** A moment, in milliseconds since the epoch: to the second for programs, to the minute for people, both UTC. */
  time(moment: number): Html;
}

/** "a {b} c" as ["a ", "b", " c"]: text and names in turn. */
const piecesOf = (sentence: string): readonly string[] => sentence.split(/[{}]/);

function compile(locale: string, catalogue: Catalogue): Words {
  const pieces = new Map(Object.entries(catalogue).map(([key, sentence]) => [key, piecesOf(sentence)]));
  const fill = <V>(key: string, values: Readonly<Record<string, V>>): readonly (string | V | undefined)[] =>
    (pieces.get(key) ?? []).map((piece, i) => (i % 2 === 0 ? piece : values[piece]));
  // Made when a page first tells a time: four of them are a tenth of a start.
  let clock: Intl.DateTimeFormat | undefined;
  const told = (moment: number): string => {
    clock ??= clockOf(locale);
    return clock.format(moment);
  };
  return {
    text: (key: MessageKey, values: Readonly<Record<string, string>> = {}) => fill(key, values).join(""),
    rich: (key: MessageKey, values: Readonly<Record<string, Child>>) => html`${fill(key, values)}`,
    time: (moment) =>
      html`<time datetime="${new Date(moment).toISOString().replace(/\.\d+/, "")}">${told(moment)}</time>`,
  };
}

/** compat(dex): "28 Jul 2026, 09:05 UTC". */
const clockOf = (locale: string): Intl.DateTimeFormat =>
  new Intl.DateTimeFormat(locale === "en" ? "en-GB" : locale, {
    ...({ day: "2-digit", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" } as const),
    timeZone: "UTC",
    timeZoneName: "short",
  });

const compiled: Readonly<Record<Locale, Words>> = {
  en: compile("en", en),
  de: compile("de", de),
  es: compile("es", es),
  fr: compile("fr", fr),
};

export function wordsOf(locale: Locale): Words {
  return compiled[locale];
}
