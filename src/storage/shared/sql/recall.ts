import type { LastRead } from "../last-read.ts";
import { hasSameCells } from "./same-cells.ts";

interface FoundRow {
  readonly row: readonly unknown[];
  readonly record: unknown;
}

/** What `row` says: as it was found a moment ago if it is the same row still, else what `find` makes of it. Remembered for what follows. */
export function recall<Found extends FoundRow>(
  lastRead: LastRead<Found>,
  key: string,
  row: Found["row"],
  find: () => Found,
): Found {
  const known = lastRead.peek(key);
  const found = known !== undefined && hasSameCells(known.row, row) ? known : find();
  lastRead.remember(key, found);
  return found;
}
