/**
 * Refresh tokens as clients hold them and as we store them.
 *
 * A client holds (family id, secret), two strings in one base64url word, as in Dex. The secret of generation
 * n is `n.MAC`, computed from a key of ours, the family's id and a stored seed. So the store never holds a
 * usable secret; the answer to a lost response can be given again; and every earlier secret of the family is
 * recognised for ever, which is what lets a replay end the family (RFC 9700 §4.14.2).
 *
 * What Dex wrote holds its secret in clear; it is accepted once and rewritten in our form.
 */
import { keyedHash } from "../kernel/derive.ts";
import type { Random } from "../kernel/ports.ts";
import { Secret } from "../kernel/secret.ts";
import { secretEqual } from "../kernel/secret-equal.ts";
import { decodeTwoStrings, encodeTwoStrings } from "../kernel/two-strings.ts";
import type { RefreshToken } from "../storage/records.ts";

/** A presented refresh token, taken apart. What does not decode is a raw id of Dex's first releases, without a secret. */
export interface PresentedRefreshToken {
  readonly id: string;
  readonly secret: string;
}

export function parseRefreshToken(presented: string): PresentedRefreshToken {
  const decoded = decodeTwoStrings(presented);
  // Databases refuse a NUL, which would make it a 500; no family has such an id.
  if (decoded?.[0].includes("\0") === true) return { id: "", secret: "" };
  return decoded === undefined ? { id: presented, secret: "" } : { id: decoded[0], secret: decoded[1] };
}

/** What the client holds. */
export const formatRefreshToken = (id: string, secret: string): string => encodeTwoStrings(id, secret);

/** How a presented secret relates to what is stored. */
export type SecretMatch =
  | "current"
  /** The one before, rotated out by us. */
  | "previous"
  /** Older than that: whoever presents it saw at least two generations pass. */
  | "older"
  /** The one before, rotated out by Dex, which never took a replay for an attack. */
  | "dex_previous"
  | "none";

const ownForm = /^\$r1\$(\d{1,10})\$([A-Za-z0-9_-]{22})$/;
const ownSecret = /^(\d{1,10})\.([A-Za-z0-9_-]{43})$/;
const hashPrefix = "$h1$";

interface OwnForm {
  readonly generation: number;
  readonly seed: string;
}

function ownFormOf(stored: Secret): OwnForm | undefined {
  const match = ownForm.exec(stored.reveal());
  return match?.[1] === undefined || match[2] === undefined
    ? undefined
    : { generation: Number(match[1]), seed: match[2] };
}

const mac = (key: Uint8Array, id: string, generation: number, seed: string): string =>
  keyedHash(key, "refresh", id, String(generation), seed).toString("base64url");

const hashOf = (key: Uint8Array, id: string, secret: string): string =>
  hashPrefix + keyedHash(key, "refresh-dex", id, secret).toString("base64url");

/** The secret that is valid now, to be handed out. */
export function currentSecret(token: RefreshToken, key: Uint8Array): string {
  const own = ownFormOf(token.token);
  return own === undefined ? token.token.reveal() : `${own.generation}.${mac(key, token.id, own.generation, own.seed)}`;
}

/** Compares in constant time; which generation was presented is no secret, its digits are in the token. */
export function matchSecret(token: RefreshToken, presented: string, key: Uint8Array): SecretMatch {
  const own = ownFormOf(token.token);
  const obsolete = token.obsoleteToken.reveal();
  if (own === undefined) {
    // compat(dex): both are in clear (server/tokens/refresh.go).
    if (secretEqual(token.token.reveal(), presented)) return "current";
    return obsolete !== "" && secretEqual(obsolete, presented) ? "dex_previous" : "none";
  }
  const parts = ownSecret.exec(presented);
  if (parts?.[1] !== undefined && parts[2] !== undefined) {
    const generation = Number(parts[1]);
    const isOurs = String(generation) === parts[1] && generation <= own.generation;
    if (!isOurs || !secretEqual(mac(key, token.id, generation, own.seed), parts[2])) return "none";
    if (generation === own.generation) return "current";
    return generation === own.generation - 1 ? "previous" : "older";
  }
  const isRotatedDexSecret =
    presented !== "" && obsolete.startsWith(hashPrefix) && secretEqual(obsolete, hashOf(key, token.id, presented));
  if (!isRotatedDexSecret) return "none";
  return own.generation === 1 ? "previous" : "older";
}

/** The stored form of a family's first secret. */
export function firstSecret(random: Random): Secret {
  return storedForm({ generation: 1, seed: Buffer.from(random.bytes(16)).toString("base64url") });
}

/** The stored fields after one rotation. Dex's clear secret is kept as a keyed hash, to know its replay. */
export function rotateSecret(
  token: RefreshToken,
  key: Uint8Array,
  random: Random,
): Pick<RefreshToken, "token" | "obsoleteToken"> {
  const own = ownFormOf(token.token);
  if (own !== undefined) {
    return { token: storedForm({ ...own, generation: own.generation + 1 }), obsoleteToken: token.obsoleteToken };
  }
  const obsoleteToken = new Secret(hashOf(key, token.id, token.token.reveal()));
  return { token: firstSecret(random), obsoleteToken };
}

const storedForm = (own: OwnForm): Secret => new Secret(`$r1$${own.generation}$${own.seed}`);

/** Whether the family has been rotated since it began: its holder has had the first answer. */
export function isRotated(token: RefreshToken): boolean {
  return (ownFormOf(token.token)?.generation ?? 1) > 1;
}
