import type { KindName, RecordKinds } from "../../records.ts";
import { isSame, withUnchangedParts } from "../unchanged-parts.ts";
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
