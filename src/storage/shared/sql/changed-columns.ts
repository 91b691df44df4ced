import { isDeepStrictEqual } from "node:util";
import type { KindName, RecordKinds } from "../../records.ts";
import { isObject } from "../dex-json.ts";
import type { LogicalRow, SqlKind } from "./kind.ts";

/**
 * What an update has to write: the columns in which `next` differs from `current`. The others keep the cell that was
 * read, so that what we do not know of survives us: Dex's nanoseconds, members of a later Dex, `[]` beside `null`.
 * `found` is the row that `current` was read from.
 */
export function changedColumns<K extends KindName>(
  kind: SqlKind<K>,
  found: LogicalRow,
  current: RecordKinds[K]["record"],
  next: RecordKinds[K]["record"],
): LogicalRow {
  const [before, after] = [kind.write(current), kind.write(next)];
  const changed: Record<string, unknown> = {};
  for (const { name } of kind.columns) {
    if (isSame(before[name], after[name])) continue;
    changed[name] = withUnchangedParts(found[name], before[name], after[name]);
  }
  return changed;
}

/** Bytes are the same whether Node's Buffer holds them or not. */
function isSame(before: unknown, after: unknown): boolean {
  if (before === after) return true;
  if (before instanceof Uint8Array && after instanceof Uint8Array) return Buffer.compare(before, after) === 0;
  return isDeepStrictEqual(before, after);
}

/**
 * `after`, with each entry of a map and each item of a list that did not change as it was found. One level deep: an
 * entry that changed is wholly ours, since what we do not know of it may no longer be true.
 */
function withUnchangedParts(found: unknown, before: unknown, after: unknown): unknown {
  if (Array.isArray(found) && Array.isArray(before) && Array.isArray(after)) {
    // The reader leaves out what it does not understand; then places no longer match.
    if (found.length !== before.length) return after;
    return after.map((item) => {
      const place = before.findIndex((other) => isDeepStrictEqual(other, item));
      return place < 0 ? item : found[place];
    });
  }
  if (!isObject(found) || !isObject(before) || !isObject(after)) return after;
  return Object.fromEntries(
    Object.entries(after).map(([key, item]) => {
      const isKept = Object.hasOwn(found, key) && isDeepStrictEqual(before[key], item);
      return [key, isKept ? found[key] : item];
    }),
  );
}
