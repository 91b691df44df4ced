import type { Page } from "../contract.ts";
import type { KindName, RecordKinds } from "../records.ts";
import { recordKey } from "./record-key.ts";

/** A page of records that were read in the order of their keys, of one part each: the next begins after the last. */
export function pageOf<K extends KindName>(
  kind: K,
  records: readonly RecordKinds[K]["record"][],
  size: number,
): Page<RecordKinds[K]["record"]> {
  const last = records.length < size ? undefined : records.at(-1);
  return { records, next: last === undefined ? "" : (recordKey(kind, last)[0] ?? "") };
}
