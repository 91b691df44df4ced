/**
 * What a log line holds of a field, before it is written as text or JSON. The caller may hand in anything at
 * all, also what a stranger chose or what throws when looked at; a log that fails takes the request with it.
 */

/** A value taken apart: a leaf, a list, or a group of named values. */
export type LogValue = string | number | boolean | null | Date | readonly LogValue[] | LogGroup;

/** Named values, in the order they were given. */
export class LogGroup {
  readonly entries: readonly (readonly [string, LogValue])[];

  constructor(entries: readonly (readonly [string, LogValue])[]) {
    this.entries = entries;
  }
}

const maxDepth = 6;
const maxValues = 500;
const maxText = 16_384;
const unprintable = "[unprintable]";

/** `value` for the log; undefined leaves the field out. What is too deep, too long or too much is cut. */
export function toLogValue(value: unknown): LogValue | undefined {
  const budget = { values: maxValues };
  try {
    return take(value, 0, budget);
  } catch {
    // A getter or a toJSON of somebody else threw.
    return unprintable;
  }
}

interface Budget {
  values: number;
}

function take(value: unknown, depth: number, budget: Budget): LogValue | undefined {
  budget.values -= 1;
  if (typeof value === "string") return value.length <= maxText ? value : `${value.slice(0, maxText)}…`;
  if (typeof value === "number" || typeof value === "boolean" || value === null) return value;
  if (typeof value === "function") return "[function]";
  if (typeof value === "object") return takeObject(value, depth, budget);
  return value === undefined ? undefined : String(value);
}

function takeObject(value: object, depth: number, budget: Budget): LogValue | undefined {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "[invalid date]" : value;
  if (value instanceof Error) return errorText(value);
  // Bytes are keys, hashes or connector data as often as not, and unreadable anyway.
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  // A ring would never end.
  if (depth >= maxDepth) return "[deep]";
  if ("toJSON" in value && typeof value.toJSON === "function") return take(value.toJSON(), depth + 1, budget);
  if (value instanceof Map) return takeGroup(value, depth, budget);
  if (Array.isArray(value) || value instanceof Set) return takeList(value, depth, budget);
  return takeGroup(Object.entries(value), depth, budget);
}

function takeList(members: Iterable<unknown>, depth: number, budget: Budget): readonly LogValue[] {
  const list: LogValue[] = [];
  for (const member of members) {
    if (budget.values <= 0) return [...list, "…"];
    list.push(take(member, depth + 1, budget) ?? null);
  }
  return list;
}

function takeGroup(members: Iterable<readonly [unknown, unknown]>, depth: number, budget: Budget): LogGroup {
  const entries: (readonly [string, LogValue])[] = [];
  for (const [key, member] of members) {
    if (budget.values <= 0) break;
    const entry = take(member, depth + 1, budget);
    if (entry !== undefined) entries.push([String(key), entry]);
  }
  return new LogGroup(entries);
}

const maxCauses = 8;

/** The message of `error` and of what caused it, outermost first: "get password: storage: connection refused". */
export function errorText(error: unknown): string {
  try {
    return messageChain(error);
  } catch {
    return unprintable;
  }
}

function messageChain(error: unknown): string {
  const messages: string[] = [];
  let current = error;
  for (let count = 0; current !== undefined && current !== null && count < maxCauses; count++) {
    const message = messageOf(current);
    // Many errors already quote their cause.
    if (message !== "" && !messages.some((outer) => outer.includes(message))) messages.push(message);
    current = current instanceof Error ? current.cause : undefined;
  }
  return messages.join(": ");
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    const inner = error.errors.slice(0, maxCauses).map((each) => (each instanceof Error ? each.message : String(each)));
    return error.message === "" ? inner.join("; ") : `${error.message}: ${inner.join("; ")}`;
  }
  if (error instanceof Error) return error.message === "" ? error.name : error.message;
  return typeof error === "object" || typeof error === "function" ? "[not an error]" : String(error);
}

/** Where `error` and its causes came from, for a debugging operator. */
export function errorStack(error: unknown): string | undefined {
  try {
    return stackChain(error);
  } catch {
    return undefined;
  }
}

function stackChain(error: unknown): string | undefined {
  const stacks: string[] = [];
  let current = error;
  for (let count = 0; current instanceof Error && count < maxCauses; count++) {
    stacks.push(current.stack ?? current.message);
    current = current.cause;
  }
  return stacks.length === 0 ? undefined : stacks.join("\ncaused by: ");
}
