/** What the `keys` object holds: the same JSON in every backend of Dex's. RFC 7517. */
import type { StoredJwk, VerificationKey } from "../records.ts";
import { formatTime, isObject, type JsonObject, member, timeMember } from "./dex-json.ts";

export const writeVerificationKey = (key: VerificationKey): JsonObject => ({
  publicKey: key.publicKey,
  expiry: formatTime(key.expiry),
});

export function readVerificationKey(value: JsonObject): VerificationKey {
  const publicKey = member(value, "publicKey");
  return { publicKey: isObject(publicKey) ? readJwk(publicKey) : {}, expiry: timeMember(value, "expiry") };
}

/** Members in the order in which they were written: Dex's. */
export const readJwk = (value: JsonObject): StoredJwk =>
  Object.fromEntries(Object.entries(value).flatMap(([name, text]) => (typeof text === "string" ? [[name, text]] : [])));
