import { quoteGo } from "./go-quote.ts";

/** Go's `slog` levels: debug -4, info 0, warn 4, error 8, and any number between or beyond. */
export type LogLevel = number & { readonly unit: "slog" };

const level = (value: number): LogLevel => value as LogLevel;

export const levels = { debug: level(-4), info: level(0), warn: level(4), error: level(8) } as const;

const byName: ReadonlyMap<string, LogLevel> = new Map([
  ["DEBUG", levels.debug],
  ["INFO", levels.info],
  ["WARN", levels.warn],
  ["ERROR", levels.error],
]);

/**
 * The level that `text` names, in any case, with an optional offset: `info`, `INFO+2`, `debug-4`.
 * @throws {Error} In Go's words: `slog: level string "warning": unknown name`.
 */
export function parseLevel(text: string): LogLevel {
  const fail = (why: string) => new Error(`slog: level string ${quoteGo(text)}: ${why}`);
  const at = text.search(/[+-]/);
  const offset = at < 0 ? "+0" : text.slice(at);
  if (!/^[+-]\d+$/.test(offset)) throw fail(`strconv.Atoi: parsing ${quoteGo(offset)}: invalid syntax`);
  if (!Number.isSafeInteger(Number(offset))) {
    throw fail(`strconv.Atoi: parsing ${quoteGo(offset)}: value out of range`);
  }
  const base = byName.get((at < 0 ? text : text.slice(0, at)).toUpperCase());
  if (base === undefined) throw fail("unknown name");
  return level(base + Number(offset));
}

/** The name as it stands in a log line: the nearest named level below, and the distance to it. */
export function levelName(value: LogLevel): string {
  let name = "DEBUG";
  let distance = value - levels.debug;
  for (const [candidate, base] of byName) {
    if (base > value) break;
    name = candidate;
    distance = value - base;
  }
  if (distance === 0) return name;
  return distance > 0 ? `${name}+${distance}` : `${name}${distance}`;
}
