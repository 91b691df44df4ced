import { parseJson } from "./json.ts";

/** A token's or userinfo's members. A map: a claim called `__proto__` is a claim. */
export type Claims = ReadonlyMap<string, unknown>;

/** The members of a JSON object; undefined when `text` is none. */
export function claimsIn(text: string): Claims | undefined {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    return undefined;
  }
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? new Map(Object.entries(value))
    : undefined;
}
