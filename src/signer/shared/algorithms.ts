import type { PublicJwk, SigningAlgorithm } from "../contract.ts";

/** What an algorithm demands of its key, and how it digests. */
export interface AlgorithmFacts {
  readonly kty: PublicJwk["kty"];
  readonly crv?: string;
  /** Absent: the algorithm takes the message whole (RFC 8032 §5.1). */
  readonly digest?: "sha256" | "sha384" | "sha512";
  /** Bytes of r, and of s. RFC 7518 §3.4. */
  readonly coordinateBytes?: number;
}

/** Every algorithm that a token of ours may carry. RFC 7518 §3.1, RFC 8037 §3.1. */
export const algorithms: Readonly<Record<SigningAlgorithm, AlgorithmFacts>> = {
  RS256: { kty: "RSA", digest: "sha256" },
  ES256: { kty: "EC", crv: "P-256", digest: "sha256", coordinateBytes: 32 },
  ES384: { kty: "EC", crv: "P-384", digest: "sha384", coordinateBytes: 48 },
  ES512: { kty: "EC", crv: "P-521", digest: "sha512", coordinateBytes: 66 },
  EdDSA: { kty: "OKP", crv: "Ed25519" },
};

/** Whether `alg` is one of ours. `none` and the HMACs are not (RFC 8725 §3.1). */
export const isSigningAlgorithm = (alg: unknown): alg is SigningAlgorithm =>
  typeof alg === "string" && Object.hasOwn(algorithms, alg);

/** The one algorithm that a key of this type signs with. */
export function algorithmFor(kty: string | undefined, crv: string | undefined): SigningAlgorithm | undefined {
  for (const alg of Object.keys(algorithms)) {
    if (!isSigningAlgorithm(alg)) continue;
    const facts = algorithms[alg];
    if (facts.kty === kty && facts.crv === (kty === "RSA" ? undefined : crv)) return alg;
  }
  return undefined;
}
