/** Carries a whole store into another, through the contract alone: every backend can be the source or the target. */
import { isDeepStrictEqual } from "node:util";
import { Secret } from "../kernel/secret.ts";
import { AlreadyExistsError, type Collection, type Storage } from "./contract.ts";
import type { KindName, RecordKinds, UserKey } from "./records.ts";
import { kindNames, recordKey } from "./shared/record-key.ts";

type AnyRecord = RecordKinds[KindName]["record"];
type AnyCollection = Collection<string | UserKey, AnyRecord>;

/** What became of the records of one kind. */
export interface CopiedKind {
  readonly kind: KindName;
  readonly found: number;
  readonly copied: number;
  /** There before, and the same: an earlier run brought them. */
  readonly same: number;
  /** There before, and different: left as they are. */
  readonly different: number;
}

/** Records on their way at once: enough to keep a database busy, few enough to leave it to others. */
const width = 8;

export interface Copy {
  readonly from: Storage;
  readonly to: Storage;
  /** Called after every record, with how many of the kind are done. */
  onProgress(kind: KindName, done: number, total: number): void;
}

/**
 * Copies what is not there yet, so that a run that was interrupted is simply started again, and reads every record
 * back. What is there and different is left alone and counted. The root secret comes first: without it nothing that we
 * stored as a keyed hash can be found again.
 */
export async function copyStorage({ from, to, onProgress }: Copy): Promise<readonly CopiedKind[]> {
  const order: readonly KindName[] = ["serverSecrets", ...kindNames.filter((kind) => kind !== "serverSecrets")];
  const results: CopiedKind[] = [];
  for (const kind of order) {
    const [source, target] = [collectionOf(from, kind), collectionOf(to, kind)];
    const records = await source.list();
    const left = [...records];
    const count = { copied: 0, same: 0, different: 0 };
    let done = 0;
    const lane = async (): Promise<void> => {
      for (let record = left.pop(); record !== undefined; record = left.pop()) {
        count[await copyRecord(kind, record, target)]++;
        onProgress(kind, ++done, records.length);
      }
    };
    await Promise.all(Array.from({ length: width }, lane));
    results.push({ kind, found: records.length, ...count });
  }
  return results;
}

async function copyRecord(
  kind: KindName,
  record: AnyRecord,
  target: AnyCollection,
): Promise<"copied" | "same" | "different"> {
  const key = keyOf(kind, record);
  let outcome: "copied" | "same" = "copied";
  try {
    await target.create(record);
  } catch (error) {
    if (!(error instanceof AlreadyExistsError)) throw error;
    outcome = "same";
  }
  // Read back either way: what a database says it stored and what it gives back may be two things.
  return isSame(await target.get(key), record) ? outcome : "different";
}

const collectionOf = (storage: Storage, kind: KindName): AnyCollection => storage[kind] as unknown as AnyCollection;

function keyOf(kind: KindName, record: AnyRecord): string | UserKey {
  const [first = "", second] = recordKey(kind, record as never);
  return second === undefined ? first : { userId: first, connectorId: second };
}

/** Milliseconds: what every backend keeps of a time is compared by the records themselves. */
const isSame = (stored: AnyRecord | undefined, record: AnyRecord): boolean =>
  stored !== undefined && isDeepStrictEqual(opened(stored), opened(record));

/** With secrets as what they hold, and bytes as bytes whoever holds them. */
function opened(value: unknown): unknown {
  if (value instanceof Secret) return opened(value.reveal());
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (Array.isArray(value)) return value.map(opened);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, opened(item)]));
}

/** How many records of each kind there are; reads them all. */
export async function countRecords(storage: Storage): Promise<Readonly<Partial<Record<KindName, number>>>> {
  const counts: Partial<Record<KindName, number>> = {};
  for (const kind of kindNames) counts[kind] = (await collectionOf(storage, kind).list()).length;
  return counts;
}
