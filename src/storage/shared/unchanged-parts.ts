import { isDeepStrictEqual } from "node:util";
import { isObject } from "./dex-json.ts";

/** Bytes are the same whether Node's Buffer holds them or not. */
export function isSame(before: unknown, after: unknown): boolean {
  if (before === after) return true;
  if (before instanceof Uint8Array && after instanceof Uint8Array) return Buffer.compare(before, after) === 0;
  return isDeepStrictEqual(before, after);
}

/**
 * `after`, with each entry of a map and each item of a list that did not change as it was found. One level deep: an
 * entry that changed is wholly ours, since what we do not know of it may no longer be true.
 */
export function withUnchangedParts(found: unknown, before: unknown, after: unknown): unknown {
  if (Array.isArray(found) && Array.isArray(before) && Array.isArray(after)) {
    // The reader leaves out what it does not understand; then places no longer match.
    if (found.length !== before.length) return after;
    return after.map((item) => {
      const place = before.findIndex((other) => isDeepStrictEqual(other, item));
      return place < 0 ? item : found[place];
    });
  }
  // Bytes have no entries: they are one value.
  if (after instanceof Uint8Array || !isObject(found) || !isObject(before) || !isObject(after)) return after;
  return Object.fromEntries(
    Object.entries(after).map(([key, item]) => {
      const isKept = Object.hasOwn(found, key) && isDeepStrictEqual(before[key], item);
      return [key, isKept ? found[key] : item];
    }),
  );
}
