import { createPrivateKey, type KeyObject, sign, verify } from "node:crypto";
import type { StoredJwk } from "../../storage/records.ts";
import { algorithms } from "../shared/algorithms.ts";
import { readPublicKey, type VerificationKey } from "../shared/verification-key.ts";
import { completeRsa } from "./complete-rsa.ts";

/** Dex writes the members in this order; so do we, that a diff of two stores shows only what differs. */
const publicMembers = ["use", "kty", "kid", "crv", "alg", "x", "y", "n", "e"] as const;
const privateMembers = ["d", "p", "q", "dp", "dq", "qi"] as const;

type Members = Readonly<Partial<Record<string, string>>>;

/** `jwk` with all its members in the stored order. */
export const storedJwk = (jwk: Members): StoredJwk => pick(jwk, [...publicMembers, ...privateMembers]);

/** What of `jwk` the world may see. */
export const publicHalf = (jwk: StoredJwk): StoredJwk => pick(jwk, publicMembers);

/** Whether the private half is there. RSA, EC and OKP keys all call it `d`. RFC 7518 §6.2.2, §6.3.2; RFC 8037 §2. */
export const hasPrivateHalf = (jwk: StoredJwk): boolean => jwk.d !== undefined;

function pick(jwk: Members, names: readonly string[]): StoredJwk {
  const picked: Record<string, string> = {};
  for (const name of names) {
    const value = jwk[name];
    if (value !== undefined) picked[name] = value;
  }
  return picked;
}

/** A key pair ready for use. */
export interface KeyPair extends VerificationKey {
  readonly privateKey: KeyObject;
}

/** @throws {Error} The JWK is damaged or not one we can sign with. Names the key, quotes none of it. */
export function readKeyPair(jwk: StoredJwk): KeyPair {
  const publicPart = readPublicKey(jwk);
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey({ key: { ...completeRsa(jwk) }, format: "jwk" });
    if (isPair(privateKey, publicPart)) return { ...publicPart, privateKey };
  } catch {
    // No cause: what a parser says of a private key may quote it.
    throw new Error(`key ${publicPart.jwk.kid} cannot be read as a private key`);
  }
  throw new Error(`the private half of key ${publicPart.jwk.kid} does not belong to its public half`);
}

/** Node imports halves that do not fit. One signature, once for each change of keys, saves a day of tokens that nobody can verify. */
function isPair(privateKey: KeyObject, { jwk, key }: VerificationKey): boolean {
  const { digest } = algorithms[jwk.alg];
  const probe = Buffer.from(jwk.kid);
  return verify(digest, probe, key, sign(digest, probe, privateKey));
}
