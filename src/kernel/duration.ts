import { type Millis, millis } from "./ports.ts";

/**
 * Go's durations, because Dex's configuration is written in them: `24h`, `1h30m`, `-1.5s`, `0`.
 * Grammar, limits and error texts are those of Go's `time.ParseDuration`, so that a file which Dex
 * refuses is refused here in the same words. Nanoseconds are counted in a bigint, as wide as Go's int64.
 */

const nanosPerMilli = 1_000_000n;
const second = 1_000_000_000n;
const minute = 60n * second;
const hour = 60n * minute;

const units: ReadonlyMap<string, bigint> = new Map([
  ["ns", 1n],
  ["us", 1_000n],
  ["\u00b5s", 1_000n], // micro sign
  ["\u03bcs", 1_000n], // Greek letter mu, which keyboards produce too
  ["ms", nanosPerMilli],
  ["s", second],
  ["m", minute],
  ["h", hour],
]);

/** The magnitude of Go's smallest duration; the largest is one nanosecond less. About 292 years. */
const limit = 1n << 63n;

/**
 * The span that `text` names. What is finer than a millisecond is cut off, towards zero.
 * @throws {Error} In Go's words: `time: invalid duration "1day"`.
 */
export function parseDuration(text: string): Millis {
  return millis(Number(parseNanos(text) / nanosPerMilli));
}

function parseNanos(text: string): bigint {
  const negative = text.startsWith("-");
  const body = negative || text.startsWith("+") ? text.slice(1) : text;
  if (body === "0") return 0n;
  if (body === "") throw invalid(text);
  let total = 0n;
  let rest = body;
  while (rest !== "") {
    const [, whole = "", point = "", unit = ""] = /^(\d*)(\.\d*)?([^\d.]*)/.exec(rest) ?? [];
    // Neither digits before nor after a point: "h", ".s".
    if (whole === "" && point.length < 2) throw invalid(text);
    // The number is checked before its unit, as Go does, so that a number beyond int64 is named first.
    if (exceeds(whole)) throw invalid(text);
    if (unit === "") throw new Error(`time: missing unit in duration ${quote(text)}`);
    const size = units.get(unit);
    if (size === undefined) throw new Error(`time: unknown unit ${quote(unit)} in duration ${quote(text)}`);
    total += BigInt(whole) * size + fraction(point.slice(1), size);
    if (total > limit) throw invalid(text);
    rest = rest.slice(whole.length + point.length + unit.length);
  }
  if (negative) return -total;
  if (total === limit) throw invalid(text);
  return total;
}

/** Whether the digits are past what any duration holds. Long ones never become a bigint: that costs quadratic time. */
function exceeds(digits: string): boolean {
  const significant = digits.replace(/^0+/, "");
  return significant.length > 19 || BigInt(significant) > limit;
}

/**
 * `0.digits` of a unit in whole nanoseconds. In floating point, because Go does: a third of an hour written
 * with nineteen digits is twenty minutes there, not a millisecond less. Digits that its int64 cannot hold are dropped.
 */
function fraction(digits: string, size: bigint): bigint {
  let kept = digits.slice(0, 19);
  if (BigInt(kept) > limit) kept = kept.slice(0, 18);
  return BigInt(Math.trunc(Number(kept) * (Number(size) / 10 ** kept.length)));
}

const invalid = (text: string): Error => new Error(`time: invalid duration ${quote(text)}`);

/** Double quotes as Go's `time` writes them: every byte outside printable ASCII as `\xNN`. */
function quote(text: string): string {
  let quoted = "";
  for (const byte of Buffer.from(text)) {
    if (byte === 0x22 || byte === 0x5c) quoted += `\\${String.fromCharCode(byte)}`;
    else if (byte < 0x20 || byte >= 0x80) quoted += `\\x${byte.toString(16).padStart(2, "0")}`;
    else quoted += String.fromCharCode(byte);
  }
  return `"${quoted}"`;
}

/** The text that Go's `time.Duration.String()` gives: `24h0m0s`, `1.5s`, `250ms`, `0s`. */
export function formatDuration(span: Millis): string {
  const whole = Math.trunc(span);
  const nanos = BigInt(whole) * nanosPerMilli + BigInt(Math.round((span - whole) * 1e6));
  if (nanos === 0n) return "0s";
  const sign = nanos < 0n ? "-" : "";
  const size = nanos < 0n ? -nanos : nanos;
  if (size < 1_000n) return `${sign}${size}ns`;
  if (size < nanosPerMilli) return `${sign}${decimal(size, 1_000n)}\u00b5s`;
  if (size < second) return `${sign}${decimal(size, nanosPerMilli)}ms`;
  const seconds = `${decimal(size % minute, second)}s`;
  if (size < minute) return sign + seconds;
  const minutes = `${(size % hour) / minute}m${seconds}`;
  return size < hour ? sign + minutes : `${sign}${size / hour}h${minutes}`;
}

/** `value / unit` as a decimal without trailing zeros. */
function decimal(value: bigint, unit: bigint): string {
  const digits = String(unit).length - 1;
  const fractional = String(value % unit)
    .padStart(digits, "0")
    .replace(/0+$/, "");
  return fractional === "" ? `${value / unit}` : `${value / unit}.${fractional}`;
}
