import type { KindName, RecordKinds, UserKey } from "../records.ts";
import { isObject, type JsonObject, member, textMember } from "../shared/dex-json.ts";
import { changeDocument, readDocument, writeDocument } from "../shared/document/document.ts";
import { clientExtra, type ExtraOf, extras } from "../shared/extra.ts";
import { ownerOf } from "../shared/owner.ts";
import { userLabelOf } from "./names.ts";
import { resources } from "./resources.ts";

type RecordOf<K extends KindName> = RecordKinds[K]["record"];

export const group = "dex.coreos.com";
export const apiVersion = `${group}/v1`;

/** Our label on what belongs to one user; see {@link userLabelOf}. Dex sets none and keeps those it finds. */
export const userLabel = "dexts/user";

/**
 * Our member of an object, where Dex's format has no place. In the object rather than in an annotation, because it may
 * hold a private key and metadata is shown and cached more freely.
 */
const extraMember = "dexts";

const besides: { readonly [K in KindName]?: ExtraOf<RecordOf<K>> } = { ...extras, clients: clientExtra };

/** An object as it was found, and the record that it is. */
export interface Found<K extends KindName> {
  readonly name: string;
  readonly object: JsonObject;
  readonly record: RecordOf<K>;
}

const metadataOf = (object: JsonObject): JsonObject => {
  const metadata = member(object, "metadata");
  return isObject(metadata) ? metadata : {};
};

export const nameOf = (object: JsonObject): string => textMember(metadataOf(object), "name");

/** What a delete compares, so that it meets the object that was read. */
export const preconditionsOf = ({ object }: { readonly object: JsonObject }): JsonObject => ({
  uid: textMember(metadataOf(object), "uid"),
  resourceVersion: textMember(metadataOf(object), "resourceVersion"),
});

export function decode<K extends KindName>(kind: K, object: JsonObject): Found<K> {
  const { fields, named } = resources[kind];
  const name = nameOf(object);
  const read = readDocument<RecordOf<K>>(fields, object);
  const extra = member(object, extraMember);
  const record = isObject(extra) ? (besides[kind]?.read(read, extra) ?? read) : read;
  return { name, object, record: { ...record, ...nameProperty(kind, named, name), ...versionOf(kind, object) } };
}

/** compat(dex): user codes are shown in capitals, whatever the name had to be. */
const nameProperty = (kind: KindName, property: string | undefined, name: string): JsonObject =>
  property === undefined ? {} : { [property]: kind === "deviceRequests" ? name.toUpperCase() : name };

/** compat(dex): a connector's version is its object's, so that an edit by hand is noticed too. */
const versionOf = (kind: KindName, object: JsonObject): JsonObject =>
  kind === "connectors" ? { resourceVersion: textMember(metadataOf(object), "resourceVersion") } : {};

/** A new object for `record`. */
export function encode<K extends KindName>(kind: K, name: string, namespace: string, record: RecordOf<K>): JsonObject {
  const user = ownerOf(kind, record);
  return {
    kind: resources[kind].kind,
    apiVersion,
    metadata: { name, namespace, ...(user === undefined ? {} : { labels: { [userLabel]: userLabelOf(user) } }) },
    ...writeDocument(resources[kind].fields, record),
    ...extraOf(kind, record),
  };
}

/** The found object with `next` in the place of its record; metadata and what we do not know of stay. */
export function encodeChange<K extends KindName>(kind: K, found: Found<K>, next: RecordOf<K>): JsonObject {
  const changed = changeDocument(resources[kind].fields, found.object, found.record, next);
  const { [extraMember]: _before, metadata: _metadata, ...rest } = changed;
  return { ...rest, metadata: metadataFor(found.object, ownerOf(kind, next)), ...extraOf(kind, next) };
}

function metadataFor(object: JsonObject, user: UserKey | undefined): JsonObject {
  // Who wrote which member is the server's business, and long.
  const { managedFields: _fields, ...metadata } = metadataOf(object);
  const labels = member(metadata, "labels");
  if (user === undefined) return metadata;
  return { ...metadata, labels: { ...(isObject(labels) ? labels : {}), [userLabel]: userLabelOf(user) } };
}

function extraOf<K extends KindName>(kind: K, record: RecordOf<K>): JsonObject {
  const extra = besides[kind]?.write(record);
  return extra === undefined ? {} : { [extraMember]: extra };
}
