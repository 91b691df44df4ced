/** JSON as Dex stores it: members by exact name when written, in any letter case when read; times as RFC 3339. */
import { unsetTime } from "../records.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The member called `name`; Go's decoder takes any letter case if the exact one is missing. */
export function member(object: JsonObject, name: string): unknown {
  if (Object.hasOwn(object, name)) return object[name];
  const wanted = name.toLowerCase();
  const found = Object.keys(object).find((key) => key.length === name.length && key.toLowerCase() === wanted);
  return found === undefined ? undefined : object[found];
}

export const textMember = (object: JsonObject, name: string): string => {
  const value = member(object, name);
  return typeof value === "string" ? value : "";
};

export const boolMember = (object: JsonObject, name: string): boolean => member(object, name) === true;

export const numberMember = (object: JsonObject, name: string): number => {
  const value = member(object, name);
  return typeof value === "number" ? value : 0;
};

export const timeMember = (object: JsonObject, name: string): number => parseTime(member(object, name));

export const bytesMember = (object: JsonObject, name: string): Uint8Array =>
  Buffer.from(textMember(object, name), "base64");

/** A list of texts; anything else is none. */
export const textList = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];

/** Every entry of an object through `read`; keys in byte order, as Go writes maps. */
export function mapValues<From, To>(
  object: Readonly<Record<string, From>>,
  change: (value: From) => To,
): Readonly<Record<string, To>> {
  const keys = Object.keys(object).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return Object.fromEntries(keys.map((key) => [key, change(object[key] as From)]));
}

export const objectEntries = (value: unknown): Readonly<Record<string, JsonObject>> =>
  isObject(value)
    ? Object.fromEntries(Object.entries(value).flatMap(([key, item]) => (isObject(item) ? [[key, item]] : [])))
    : {};

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

/** Milliseconds since the epoch of RFC 3339 text; {@link unsetTime} for anything else. */
export function parseTime(value: unknown): number {
  // Date.parse alone takes "1" for a year.
  const time = typeof value === "string" && rfc3339.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? unsetTime : time;
}

/** RFC 3339 in UTC, the fraction without trailing zeros: Go's RFC3339Nano. */
export const formatTime = (time: number): string => new Date(time).toISOString().replace(/\.?0*Z$/, "Z");
