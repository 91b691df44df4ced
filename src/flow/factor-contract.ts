/**
 * Second factors: what the flow knows of them. `token/factor-chain.ts` says which are demanded, `missing-factors.ts`
 * which of them a login lacks; `factor-step.ts` opens one for its person, and each kind has a file of its own.
 */
import type { Millis } from "../kernel/ports.ts";
import type { FactorFacts, FactorPolicy } from "../token/factor-chain.ts";

/** One-time codes of an app. RFC 6238. */
export interface TotpFactor extends FactorFacts {
  readonly type: "TOTP";
  /** What the app calls us. */
  readonly issuer: string;
}

/** A key that signs. WebAuthn Level 3. Empty texts and lists: the issuer's own. */
export interface WebauthnFactor extends FactorFacts {
  readonly type: "WebAuthn";
  readonly rpDisplayName: string;
  readonly rpID: string;
  readonly rpOrigins: readonly string[];
  readonly attestationPreference: string;
  readonly userVerification: string;
  readonly authenticatorAttachment: string;
  readonly timeout?: Millis;
  /** Its keys sign people of the password database in, without a password. */
  readonly firstFactor: boolean;
}

export type Factor = TotpFactor | WebauthnFactor;

export interface Factors extends FactorPolicy {
  readonly authenticators: readonly Factor[];
  /** compat(dex): a session remembers no factor, so that every request asks for it again. */
  readonly isAskedEveryTime: boolean;
}

/** What somebody has proved beside their login. */
export interface FactorProof {
  /** The authenticator's id; a recovery code stands for the one that it was given for. */
  readonly factor: string;
  /** RFC 8176. */
  readonly amr: readonly string[];
  /** Of `oauth/acr.ts`. */
  readonly contexts: readonly string[];
}
