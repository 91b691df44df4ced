import { type JsonObject, member } from "../dex-json.ts";
import { isSame, withUnchangedParts } from "../unchanged-parts.ts";
import type { Field } from "./field.ts";

const propertyOf = (record: object, { property }: Field): unknown =>
  property === undefined ? undefined : (record as Readonly<Record<string, unknown>>)[property];

/** `record` as Dex would write it. */
export const writeDocument = (fields: readonly Field[], record: object): JsonObject =>
  Object.fromEntries(
    fields.flatMap((field) => {
      const value = field.write(propertyOf(record, field));
      return value === undefined ? [] : [[field.member, value]];
    }),
  );

/** The record in `object`. The fields name every property of `Rec`; the conformance suite compares them all. */
export const readDocument = <Rec>(fields: readonly Field[], object: JsonObject): Rec =>
  Object.fromEntries(
    fields.flatMap((field) => {
      if (field.property === undefined) return [];
      const value = field.read(member(object, field.member));
      return value === undefined ? [] : [[field.property, value]];
    }),
  ) as Rec;

/**
 * `found` with what differs between `current`, which was read from it, and `next`. All else stays as it was: Dex's
 * nanoseconds, members of a later Dex.
 */
export function changeDocument(fields: readonly Field[], found: JsonObject, current: object, next: object): JsonObject {
  const changed: Record<string, unknown> = { ...found };
  for (const field of fields) {
    const [before, after] = [field.write(propertyOf(current, field)), field.write(propertyOf(next, field))];
    if (isSame(before, after)) continue;
    const old = member(found, field.member);
    for (const name of Object.keys(changed)) if (isTwin(name, field.member)) delete changed[name];
    if (after === undefined) delete changed[field.member];
    else changed[field.member] = withUnchangedParts(old, before, after);
  }
  return changed;
}

/** Go takes a member in any letter case, and of two the later one. */
const isTwin = (name: string, wanted: string): boolean =>
  name !== wanted && name.toLowerCase() === wanted.toLowerCase();
