/** How objects are called. compat(dex): storage/kubernetes/client.go, which calls both of these a hash. */
import { createHash } from "node:crypto";
import { joinUnambiguously } from "../../kernel/derive.ts";
import type { KindName, UserKey } from "../records.ts";

const alphabet = "abcdefghijklmnopqrstuvwxyz234567";

/** Lower-case base32 without padding. RFC 4648 §6. */
export function base32(bytes: Uint8Array): string {
  let text = "";
  let buffer = 0;
  let bits = 0;
  for (const byte of bytes) {
    buffer = ((buffer & 0xff) << 8) | byte;
    bits += 8;
    for (; bits >= 5; bits -= 5) text += alphabet[(buffer >> (bits - 5)) & 31];
  }
  return bits === 0 ? text : text + alphabet[(buffer << (5 - bits)) & 31];
}

const fnvOffset = 0xcbf29ce484222325n;
const fnvPrime = 0x100000001b3n;

const eightBytes = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
};

/** A client id or an e-mail address: the text itself, and what an FNV hash is that was never fed. */
export const nameOfText = (text: string): string => base32(Buffer.concat([Buffer.from(text), eightBytes(fnvOffset)]));

/** A user at a connector: FNV-1, 64 bits, without anything between the two. Others can have the same name. */
export function nameOfPair({ userId, connectorId }: UserKey): string {
  let hash = fnvOffset;
  for (const byte of Buffer.from(userId + connectorId)) {
    hash = BigInt.asUintN(64, hash * fnvPrime) ^ BigInt(byte);
  }
  return base32(eightBytes(hash));
}

/** RFC 1123 §2.1, as Kubernetes checks the names of objects. */
const validName = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

export const isObjectName = (name: string): boolean => name.length <= 253 && validName.test(name);

/** Our own name for what has none in Dex, or shares it with another. Base32 has no dash, so Dex makes no such name. */
const ownName = (parts: readonly string[]): string =>
  `x-${base32(createHash("sha256").update(joinUnambiguously(parts)).digest())}`;

/**
 * What an object of a kind may be called: Dex's name first. Empty: no object can be called so, hence there is none.
 */
export function objectNames(kind: KindName, parts: readonly string[]): readonly string[] {
  const [first = "", second = ""] = parts;
  switch (kind) {
    case "keys":
      return ["openid-connect-keys"];
    case "offlineSessions":
    case "userIdentities":
      return [nameOfPair({ userId: first, connectorId: second }), ownName(parts)];
    case "clients":
    case "passwords":
      return [valid(nameOfText(first)) ?? ownName(parts)];
    case "connectors":
      return [valid(first) ?? ownName(parts)];
    case "authRequests":
    case "authCodes":
    case "authSessions":
    case "refreshTokens":
    case "deviceTokens":
      return [valid(first)].filter((name) => name !== undefined);
    case "deviceRequests":
      return [valid(first.toLowerCase())].filter((name) => name !== undefined);
    default:
      return [valid(base32(Buffer.from(first))) ?? ownName(parts)];
  }
}

const valid = (name: string): string | undefined => (isObjectName(name) ? name : undefined);

/** The value of our label on what belongs to one user. */
export const userLabelOf = ({ userId, connectorId }: UserKey): string =>
  base32(
    createHash("sha256")
      .update(joinUnambiguously([userId, connectorId]))
      .digest(),
  );
