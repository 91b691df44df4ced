import { keyedHash } from "../kernel/derive.ts";
import type { Random } from "../kernel/ports.ts";

/**
 * Which grant a token came from, told by its `jti` and by nobody but us. The first 18 characters of the UUID are
 * the grant's tag, a keyed hash that looks as random as the rest: so one record revokes every token of a grant,
 * those of later refreshes included, and no claim is added that a client of Dex does not know. RFC 7009 §2.1.
 */
export type GrantTag = string & { readonly unit: "grant tag" };

const tagLength = "xxxxxxxx-xxxx-4xxx".length;

/** The tag of the grant that `id` names: a refresh token family. */
export const grantTagOf = (key: Uint8Array, id: string): GrantTag => tagFrom(keyedHash(key, "grant-tag", id));

/** The tag of a grant that nothing is remembered of. */
export const newGrantTag = (random: Random): GrantTag => tagFrom(random.bytes(8));

/** A `jti` within the grant: a UUID, version 4 in form. 62 bits of it are this token's own. RFC 9562 §5.4. */
export function newTokenId(random: Random, tag: GrantTag = newGrantTag(random)): string {
  const bytes = Buffer.from(random.bytes(8));
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return `${tag}-${hex.slice(0, 4)}-${hex.slice(4)}`;
}

/** The part of `jti` that stands for its grant. */
export const tagOfTokenId = (jti: string): string => jti.slice(0, tagLength);

function tagFrom(source: Uint8Array): GrantTag {
  const bytes = Buffer.from(source.subarray(0, 8));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12)}` as GrantTag;
}
