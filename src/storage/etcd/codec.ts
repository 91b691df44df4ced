import { goJson } from "../../kernel/go-json.ts";
import type { KindName, RecordKinds } from "../records.ts";
import { isObject, type JsonObject } from "../shared/dex-json.ts";
import { changeDocument, readDocument, writeDocument } from "../shared/document/document.ts";
import { clientExtra, type ExtraOf, extras } from "../shared/extra.ts";
import { etcdFields } from "./kinds.ts";
import type { KeyValue } from "./messages.ts";

type RecordOf<K extends KindName> = RecordKinds[K]["record"];

/** A record as it was found, and what a swap compares. Revisions count the writes of the whole store. */
export interface Found<K extends KindName> {
  readonly key: string;
  readonly record: RecordOf<K>;
  readonly object: JsonObject;
  readonly text: string;
  readonly revision: string;
  readonly createdAt: string;
  /** Our own part beside it; "0" where there is none. */
  readonly extraText: string | undefined;
  readonly extraRevision: string;
}

/** How a record is written. */
export interface Written {
  readonly text: string;
  readonly extraText: string | undefined;
}

/** Here Dex's clients have a place for the groups, and for nothing else of ours. */
const besides: { readonly [K in KindName]?: ExtraOf<RecordOf<K>> } = {
  ...extras,
  clients: {
    write: (record) => clientExtra.write({ ...record, clientCredentialsGroups: [] }),
    read: clientExtra.read,
  },
};

export const hasExtra = (kind: KindName): boolean => besides[kind] !== undefined;

/** @throws {Error} The value is no JSON object; it is not quoted, since it may hold secrets. */
export function decode<K extends KindName>(kind: K, key: string, value: KeyValue, extra?: KeyValue): Found<K> {
  const text = value.value.toString();
  const object = parseObject(text);
  if (object === undefined) throw new Error(`a value of ${kind} in etcd holds no JSON object`);
  const record = readDocument<RecordOf<K>>(etcdFields[kind], object);
  const extraText = extra?.value.toString();
  const beside = extraText === undefined ? undefined : parseObject(extraText);
  return {
    key,
    record: beside === undefined ? record : (besides[kind]?.read(record, beside) ?? record),
    object,
    text,
    revision: value.mod_revision,
    createdAt: value.create_revision,
    extraText,
    extraRevision: extra?.mod_revision ?? "0",
  };
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export const encode = <K extends KindName>(kind: K, record: RecordOf<K>): Written => ({
  text: goJson(writeDocument(etcdFields[kind], record)),
  extraText: extraTextOf(kind, record),
});

/** `next` in the place of what was found. */
export const encodeChange = <K extends KindName>(kind: K, found: Found<K>, next: RecordOf<K>): Written => {
  const changed = changeDocument(etcdFields[kind], found.object, found.record, next);
  return { text: goJson(changed), extraText: extraTextOf(kind, next) };
};

function extraTextOf<K extends KindName>(kind: K, record: RecordOf<K>): string | undefined {
  const extra = besides[kind]?.write(record);
  return extra === undefined ? undefined : goJson(extra);
}
