/**
 * A signer owns the keys that sign tokens: where they live, when they change, which of them the world
 * may see. It knows nothing of claims. Serves `/keys` (RFC 7517) and every token (RFC 7515).
 */

/** What we can sign with (RFC 7518 §3.1, RFC 8037 §3.1). */
export type SigningAlgorithm = "RS256" | "ES256" | "ES384" | "ES512" | "EdDSA";

/** A public key as `/keys` shows it: `use`, `kty`, `kid`, `crv`, `alg`, then the key material, in this order. RFC 7517 §4. */
export interface PublicJwk {
  readonly use: "sig";
  readonly kty: "RSA" | "EC" | "OKP";
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly crv?: string;
  readonly x?: string;
  readonly y?: string;
  readonly n?: string;
  readonly e?: string;
}

/** The key that signs now. Hold on to it for one whole answer, so that `at_hash`, header and signature agree. */
export interface SigningKey {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  /**
   * The signature over `signingInput` (header and payload, dot between) as base64url. RFC 7515 §5.1.
   * Never runs on the event loop. @throws {UnavailableError} The key's keeper is away.
   */
  sign(signingInput: string): Promise<string>;
}

/** What a token of ours says, after its signature was verified. */
export interface VerifiedToken {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  /** The payload exactly as signed, JSON text. */
  readonly payload: string;
}

export interface Signer {
  /** From memory, no storage. @throws {UnavailableError} There is no key yet: answer server_error. RFC 7515 §3.1. */
  current(): Promise<SigningKey>;
  /** The key that signs first, then the published next one, then retired ones until the last token they signed has expired. */
  publicKeys(): Promise<readonly PublicJwk[]>;
  /**
   * The token's content if one of {@link publicKeys} signed it with that key's own algorithm, else undefined.
   * Says nothing of expiry, issuer or audience. RFC 8725 §3.1.
   */
  verify(jwt: string): Promise<VerifiedToken | undefined>;
  /**
   * Publishes the next key now and has it sign as soon as every cached key set can have it; resolves to when that is,
   * in milliseconds. Asked again meanwhile, it says the same. Absent: the keys are rotated where they are kept.
   * @throws {UnavailableError} The keeper of the keys is away.
   */
  rotate?(): Promise<number>;
  /** Rotates and rereads until `signal` aborts, then resolves. Two replicas may run it: one rotation wins, the other rereads. */
  run(signal: AbortSignal): Promise<void>;
}
