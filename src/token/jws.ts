import { hash } from "node:crypto";
import { inSpan } from "../kernel/span.ts";
import type { SigningAlgorithm, SigningKey } from "../signer/contract.ts";

const headers = new WeakMap<SigningKey, string>();

/**
 * `payload` (JSON text) as a signed JWT: compact serialisation, RFC 7515 §7.1.
 * compat(dex): the header has `alg` and `kid`, in this order, and nothing else but a `typ` where one is given
 * (server/signer/utils.go).
 * @throws {UnavailableError} The key's keeper is away.
 */
export async function encodeJwt(key: SigningKey, payload: string, typ?: string): Promise<string> {
  const header = typ === undefined ? headerOf(key) : base64url({ typ, alg: key.alg, kid: key.kid });
  const signingInput = `${header}.${Buffer.from(payload).toString("base64url")}`;
  return `${signingInput}.${await inSpan("signer.sign", () => key.sign(signingInput), { "dex.key.alg": key.alg })}`;
}

function headerOf(key: SigningKey): string {
  let header = headers.get(key);
  if (header === undefined) {
    header = base64url({ alg: key.alg, kid: key.kid });
    headers.set(key, header);
  }
  return header;
}

const base64url = (header: object): string => Buffer.from(JSON.stringify(header)).toString("base64url");

/** A digest as `node:crypto` calls it. */
export type Digest = "sha256" | "sha384" | "sha512";

const digests: Readonly<Record<SigningAlgorithm, Digest>> = {
  RS256: "sha256",
  ES256: "sha256",
  ES384: "sha384",
  ES512: "sha512",
  // OIDC Core names the digest of the `alg`, and EdDSA's `alg` has none. With Ed25519 clients take the one inside
  // the signature scheme, SHA-512 (RFC 8032 §5.1). Dex has no mapping and cannot issue a token with such a key.
  EdDSA: "sha512",
};

/** The digest that goes with a token's `alg`. OIDC Core §3.1.3.6. */
export const digestFor = (alg: SigningAlgorithm): Digest => digests[alg];

/** `at_hash` or `c_hash`: the left half of the digest of an access token or a code. OIDC Core §3.1.3.6, §3.3.2.11. */
export function halfHash(alg: SigningAlgorithm, text: string): string {
  const digest = hash(digestFor(alg), text, "buffer");
  return digest.subarray(0, digest.length / 2).toString("base64url");
}
