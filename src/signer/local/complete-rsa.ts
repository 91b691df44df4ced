import type { StoredJwk } from "../../storage/records.ts";

/**
 * An RSA key with the three members that speed it up (RFC 7518 §6.3.2.4 to §6.3.2.6). Dex up to v2.17 stored none of
 * them, and OpenSSL takes a JWK only with all. Others come back as they are.
 * @throws {Error} `p` and `q` are no factors of anything.
 */
export function completeRsa(jwk: StoredJwk): StoredJwk {
  const { kty, d, p, q, dp } = jwk;
  if (kty !== "RSA" || dp !== undefined || d === undefined || p === undefined || q === undefined) return jwk;
  const [exponent, first, second] = [numberOf(d), numberOf(p), numberOf(q)];
  if (first < 3n || second < 3n) throw new Error("the factors are too small");
  return {
    ...jwk,
    dp: textOf(exponent % (first - 1n)),
    dq: textOf(exponent % (second - 1n)),
    qi: textOf(inverse(second, first)),
  };
}

const numberOf = (text: string): bigint => BigInt(`0x0${Buffer.from(text, "base64url").toString("hex")}`);

function textOf(value: bigint): string {
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex").toString("base64url");
}

/** The inverse of `value` modulo `modulus`: extended Euclid. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [rest, nextRest] = [modulus, value % modulus];
  let [factor, nextFactor] = [0n, 1n];
  while (nextRest !== 0n) {
    const quotient = rest / nextRest;
    [rest, nextRest] = [nextRest, rest - quotient * nextRest];
    [factor, nextFactor] = [nextFactor, factor - quotient * nextFactor];
  }
  if (rest !== 1n) throw new Error("the factors are not prime to each other");
  return factor < 0n ? factor + modulus : factor;
}
