import { createPublicKey, type KeyObject, verify as verifySignature } from "node:crypto";
import type { PublicJwk, SigningAlgorithm, VerifiedToken } from "../contract.ts";
import { algorithmFor, algorithms, isSigningAlgorithm } from "./algorithms.ts";
import { type CompactJws, decodeUtf8 } from "./compact-jws.ts";

/** A public key ready for use. */
export interface VerificationKey {
  readonly jwk: PublicJwk;
  readonly key: KeyObject;
}

/** The public members of a JWK as read from outside. */
export type RawJwk = Readonly<Record<string, string>>;

/**
 * The public key in `raw`; private members are left behind. Where `alg` is absent it follows from the key:
 * compat(dex): old records have none (server/signer/utils.go).
 * @throws {Error} It is no key we can verify with. Names the key, quotes none of it.
 */
export function readPublicKey(raw: RawJwk): VerificationKey {
  const { kid } = raw;
  if (kid === undefined || kid === "") throw new Error("a key has no kid");
  const jwk = publicJwk(raw, kid, algorithmOf(raw, kid));
  return { jwk, key: importPublicKey(jwk) };
}

function importPublicKey(jwk: PublicJwk): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: { ...jwk }, format: "jwk" });
  } catch (cause) {
    throw new Error(`key ${jwk.kid} cannot be read as a public key`, { cause });
  }
  // Node takes any modulus, even an empty one. RFC 7518 §3.3.
  const { modulusLength = minModulusBits } = key.asymmetricKeyDetails ?? {};
  if (modulusLength < minModulusBits)
    throw new Error(`key ${jwk.kid} is an RSA key of fewer than ${minModulusBits} bits`);
  return key;
}

const minModulusBits = 2_048;

function algorithmOf(raw: RawJwk, kid: string): SigningAlgorithm {
  const { kty, crv } = raw;
  const natural = algorithmFor(kty, crv);
  const alg = raw.alg === undefined || raw.alg === "" ? natural : raw.alg;
  // One key, one algorithm: a key that accepted two could be made to verify what it never signed. RFC 8725 §3.1.
  if (!isSigningAlgorithm(alg) || alg !== natural) {
    throw new Error(
      `key ${kid} has the unsupported algorithm ${JSON.stringify(raw.alg ?? "")} for its type ${kty} ${crv ?? ""}`.trimEnd(),
    );
  }
  return alg;
}

/** Members in the order in which `/keys` shows them. RFC 7517 §4, RFC 7518 §6. */
function publicJwk(raw: RawJwk, kid: string, alg: SigningAlgorithm): PublicJwk {
  const { kty } = algorithms[alg];
  const { crv = "", x = "", y = "", n = "", e = "" } = raw;
  switch (kty) {
    case "RSA":
      return { use: "sig", kty, kid, alg, n, e };
    case "EC":
      return { use: "sig", kty, kid, crv, alg, x, y };
    case "OKP":
      return { use: "sig", kty, kid, crv, alg, x };
  }
}

/**
 * The token if `key` signed it with the key's own algorithm, whatever the header would like. RFC 8725 §3.1.
 * On libuv's pool, not on the event loop. Never rejects: what cannot be verified is not verified.
 */
export async function verifyJws(jws: CompactJws, { jwk, key }: VerificationKey): Promise<VerifiedToken | undefined> {
  if (jws.alg !== jwk.alg) return undefined;
  const { coordinateBytes, digest } = algorithms[jwk.alg];
  // RFC 7518 §3.4: r and s have their full length, leading zeros included.
  if (coordinateBytes !== undefined && jws.signature.length !== 2 * coordinateBytes) return undefined;
  if (!(await isSignedBy(key, digest, jws))) return undefined;
  const payload = decodeUtf8(jws.payload);
  return payload === undefined ? undefined : { kid: jwk.kid, alg: jwk.alg, payload };
}

function isSignedBy(key: KeyObject, digest: string | undefined, jws: CompactJws): Promise<boolean> {
  return new Promise((resolve) => {
    try {
      const material = { key, dsaEncoding: "ieee-p1363" } as const;
      verifySignature(digest, Buffer.from(jws.signingInput, "latin1"), material, jws.signature, (error, valid) => {
        resolve(error === null && valid);
      });
    } catch {
      resolve(false);
    }
  });
}
