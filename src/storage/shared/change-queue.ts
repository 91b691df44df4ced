import { UnavailableError } from "../../kernel/errors.ts";

type Change<Rec> = (current: Rec) => Rec;

/** Writes one change by compare-and-swap; undefined if the record is gone. May call its argument several times. */
type Swap<Rec> = (change: Change<Rec>) => Promise<Rec | undefined>;

interface Waiting<Rec> {
  readonly change: Change<Rec>;
  resolve(stored: Rec | undefined): void;
  reject(error: unknown): void;
}

type Outcome<Rec> = { readonly record: Rec } | { readonly error: unknown };

/**
 * Updates of one record: while one is being written the others wait, and then go together in one write, each seeing
 * what the one before it made. So updates never spoil each other's comparison, and a record that everybody changes
 * costs no more writes than the disk can take.
 */
export class ChangeQueue<Rec> {
  readonly #waiting = new Map<string, Waiting<Rec>[]>();

  /** Resolves once the change is durable, to the record as this change left it. Rejects with what `change` throws. */
  update(key: string, change: Change<Rec>, swap: Swap<Rec>): Promise<Rec | undefined> {
    return new Promise((resolve, reject) => {
      const mine = { change, resolve, reject };
      const others = this.#waiting.get(key);
      if (others !== undefined) {
        others.push(mine);
        return;
      }
      this.#waiting.set(key, []);
      void this.#drain(key, mine, swap);
    });
  }

  async #drain(key: string, first: Waiting<Rec>, swap: Swap<Rec>): Promise<void> {
    for (let batch = [first]; batch.length > 0; batch = this.#next(key)) await writeTogether(batch, swap);
  }

  #next(key: string): Waiting<Rec>[] {
    const next = this.#waiting.get(key) ?? [];
    if (next.length === 0) this.#waiting.delete(key);
    else this.#waiting.set(key, []);
    return next;
  }
}

/** Never rejects: every outcome goes to the one who waits for it. */
async function writeTogether<Rec>(batch: readonly Waiting<Rec>[], swap: Swap<Rec>): Promise<void> {
  let outcomes: readonly Outcome<Rec>[] = [];
  try {
    const stored = await swap((current) => {
      outcomes = outcomesOf(batch, current);
      return outcomes.reduce((record, outcome) => ("record" in outcome ? outcome.record : record), current);
    });
    for (const [index, { resolve, reject }] of batch.entries()) {
      const outcome = outcomes[index];
      if (stored === undefined || outcome === undefined) resolve(undefined);
      else if ("record" in outcome) resolve(outcome.record);
      else reject(outcome.error);
    }
  } catch (error) {
    // One that the database refuses takes no other with it. Where the store is away, the write may have happened.
    if (batch.length === 1 || error instanceof UnavailableError) for (const { reject } of batch) reject(error);
    else for (const each of batch) await writeTogether([each], swap);
  }
}

function outcomesOf<Rec>(batch: readonly Waiting<Rec>[], current: Rec): readonly Outcome<Rec>[] {
  let record = current;
  return batch.map(({ change }) => {
    try {
      record = change(record);
      return { record };
    } catch (error) {
      return { error };
    }
  });
}
