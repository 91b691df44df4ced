import type { Collected } from "../contract.ts";
import type { KindName } from "../records.ts";

/** A kind of record that ends by itself. */
export interface Ending {
  /** Deletes up to `batch` of what expired before `now`. `isDone`: everything has been looked at. */
  collect(now: number, batch: number): Promise<{ readonly deleted: number; readonly isDone: boolean }>;
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
