import { quoteIfNeeded } from "./go-quote.ts";
import { type LogLevel, levelName, levels } from "./log-level.ts";
import { errorStack, errorText, LogGroup, type LogValue, toLogValue } from "./log-value.ts";
import type { Clock, Fields, Logger } from "./ports.ts";

/**
 * The log in the two shapes of Go's `slog`, because the queries and alerts that people wrote for Dex read it:
 * `time level msg`, then the line's own fields, then those of {@link Logger.with} (the request's). A line is
 * one line whatever its values are: everything unprintable is escaped, so nobody can forge the next one.
 */
export interface LoggerOptions {
  /** Lines below are not even built. */
  readonly level: LogLevel;
  readonly format: "text" | "json";
  /** Top-level field names that never appear, `email` for one. `time`, `level` and `msg` always do. */
  readonly excludeFields: readonly string[];
  /** Takes one line with its line feed. Must not throw. */
  readonly write: (line: string) => void;
  readonly clock: Pick<Clock, "now">;
}

export function createLogger(options: LoggerOptions): Logger {
  const format = options.format === "json" ? json : text;
  const excluded: ReadonlySet<string> = new Set(options.excludeFields);
  const withStacks = options.level <= levels.debug;

  const render = (fields: Fields): string => {
    let rendered = "";
    for (const key of Object.keys(fields)) {
      if (excluded.has(key)) continue;
      const value = toLogValue(fields[key]);
      if (value !== undefined) rendered += format.field(builtIn.has(key) ? `${key}_` : key, value);
    }
    return rendered;
  };

  const build = (bound: Fields): Logger => {
    let renderedBound: string | undefined;
    const boundTail = (fields: Fields): string => {
      const isRepeated = Object.keys(fields).some((key) => Object.hasOwn(bound, key));
      if (isRepeated)
        return render(Object.fromEntries(Object.entries(bound).filter(([key]) => !Object.hasOwn(fields, key))));
      renderedBound ??= render(bound);
      return renderedBound;
    };
    const line = (level: LogLevel, event: string, fields: Fields, cause: unknown): void => {
      if (level < options.level) return;
      const own = cause === undefined ? fields : { ...fields, ...describe(cause, withStacks) };
      options.write(format.line(options.clock.now(), levelName(level), event, render(own) + boundTail(own)));
    };
    return {
      debug: (event, fields = {}) => line(levels.debug, event, fields, undefined),
      info: (event, fields = {}) => line(levels.info, event, fields, undefined),
      warn: (event, fields = {}, cause) => line(levels.warn, event, fields, cause),
      error: (event, fields = {}, cause) => line(levels.error, event, fields, cause),
      with: (fields) => build({ ...bound, ...fields }),
    };
  };
  return build({});
}

/** Keys of every line; a field of the same name must not pass for them. */
const builtIn: ReadonlySet<string> = new Set(["time", "level", "msg"]);

/** Stacks name files and lines, which help only whoever asked for debugging. */
function describe(cause: unknown, withStack: boolean): Fields {
  const stack = withStack ? errorStack(cause) : undefined;
  return { err: errorText(cause), ...(stack === undefined ? {} : { stack }) };
}

interface Format {
  line(time: number, level: string, event: string, fields: string): string;
  /** With its leading separator. */
  field(key: string, value: LogValue): string;
}

const text: Format = {
  line: (time, level, event, fields) => `time=${timestamp(time)} level=${level} msg=${quoteIfNeeded(event)}${fields}\n`,
  field: (key, value) => {
    if (!(value instanceof LogGroup)) return ` ${quoteIfNeeded(key)}=${quoteIfNeeded(textValue(value))}`;
    return value.entries.map(([member, inner]) => text.field(`${key}.${member}`, inner)).join("");
  },
};

function textValue(value: LogValue): string {
  if (value === null) return "<nil>";
  if (value instanceof Date) return timestamp(value.getTime());
  // As Go prints a slice: [a b].
  if (Array.isArray(value)) return `[${value.map((member: LogValue) => textValue(member)).join(" ")}]`;
  return value instanceof LogGroup ? jsonValue(value) : String(value);
}

const json: Format = {
  line: (time, level, event, fields) =>
    `{"time":"${timestamp(time)}","level":"${level}","msg":${jsonText(event)}${fields}}\n`,
  field: (key, value) =>
    value instanceof LogGroup && value.entries.length === 0 ? "" : `,${jsonText(key)}:${jsonValue(value)}`,
};

function jsonValue(value: LogValue): string {
  if (typeof value === "string") return jsonText(value);
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : `"${value}"`;
  if (typeof value === "boolean" || value === null) return String(value);
  if (value instanceof Date) return `"${timestamp(value.getTime())}"`;
  if (value instanceof LogGroup) {
    return `{${value.entries.map(([key, member]) => `${jsonText(key)}:${jsonValue(member)}`).join(",")}}`;
  }
  return `[${value.map((member) => jsonValue(member)).join(",")}]`;
}

/** JSON leaves these as they are, and some reader takes each for a line's end, a terminal's command or a change of direction. */
const jsonUnsafe = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

const jsonText = (value: string): string =>
  JSON.stringify(value).replace(jsonUnsafe, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`);

let knownMinute = Number.NaN;
let knownOffset = 0;
let knownZone = "Z";

/** RFC 3339 in the machine's zone, with milliseconds: `2026-08-01T12:00:00.000Z`. */
function timestamp(time: number): string {
  const minute = Math.floor(time / 60_000);
  if (minute !== knownMinute) {
    // Asking for the zone is slow, and it changes on whole minutes only.
    knownMinute = minute;
    knownOffset = -new Date(time).getTimezoneOffset();
    knownZone = zoneText(knownOffset);
  }
  return new Date(time + knownOffset * 60_000).toISOString().slice(0, -1) + knownZone;
}

function zoneText(offset: number): string {
  if (offset === 0) return "Z";
  const two = (value: number): string => String(Math.trunc(value)).padStart(2, "0");
  return `${offset < 0 ? "-" : "+"}${two(Math.abs(offset) / 60)}:${two(Math.abs(offset) % 60)}`;
}
