import { createPublicKey, type JsonWebKey, verify } from "node:crypto";

/** The claims of a JWT, unverified. @throws If it is none. */
export function claimsOf(jwt: string): Readonly<Record<string, unknown>> {
  const first = jwt.indexOf(".");
  const second = jwt.indexOf(".", first + 1);
  if (first < 0 || second < 0) throw new Error("not a JWT");
  return objectIn(jwt.slice(first + 1, second));
}

/**
 * Checks an RS256 signature with a published key. Done before a measurement, not in it: it shows that the
 * operations counted afterwards carry real signatures. @throws If it does not verify.
 */
export function verifySignature(jwt: string, keys: readonly JsonWebKey[]): void {
  const [header = "", payload = "", signature = ""] = jwt.split(".");
  const { alg, kid } = objectIn(header);
  const key = keys.find((candidate) => candidate.kid === kid);
  if (alg !== "RS256" || key === undefined)
    throw new Error(`no published RS256 key ${String(kid)} (alg ${String(alg)})`);
  const publicKey = createPublicKey({ key, format: "jwk" });
  if (publicKey.asymmetricKeyDetails?.modulusLength !== 2048)
    throw new Error("the signing key is not RSA with 2048 bits");
  if (!verify("sha256", Buffer.from(`${header}.${payload}`), publicKey, Buffer.from(signature, "base64url")))
    throw new Error("bad signature");
}

function objectIn(segment: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(Buffer.from(segment, "base64url").toString());
  if (typeof value !== "object" || value === null) throw new Error("not a JWT");
  return { ...value };
}
