import type { Collected } from "../contract.ts";
import type { KindName } from "../records.ts";

/** What was done with one kind. `isDone`: everything has been looked at. */
export interface CollectedKind {
  readonly deleted: number;
  readonly isDone: boolean;
}

export const nothingToCollect: CollectedKind = { deleted: 0, isDone: true };

/** A kind of record that may end by itself. */
interface Ending {
  /** Deletes up to `batch` of what expired before `now`. */
  collect(now: number, batch: number): Promise<CollectedKind>;
}

/** One step of a run over all of them. */
export async function collectKinds(
  ending: Readonly<Partial<Record<KindName, Ending>>>,
  now: number,
  batch: number,
): Promise<Collected> {
  const deleted: Partial<Record<KindName, number>> = {};
  let isDone = true;
  for (const [kind, collection] of Object.entries(ending)) {
    const run = await collection.collect(now, batch);
    if (run.deleted > 0) deleted[kind as KindName] = run.deleted;
    isDone &&= run.isDone;
  }
  return { deleted, isDone };
}
