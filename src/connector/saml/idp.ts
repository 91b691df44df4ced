import type { TrustedKey } from "./trusted-keys.ts";

/** Where the upstream takes a message, and by which binding. */
export interface Endpoint {
  readonly url: URL;
  readonly binding: "post" | "redirect";
  /** Where the answer to its own message goes, if elsewhere. SAML Metadata §2.2.2. */
  readonly responseUrl?: URL;
}

/** The identity provider as we know it now. */
export interface Idp {
  /** Undefined: not configured, so any issuer of ours. */
  readonly entityId: string | undefined;
  readonly sso: Endpoint;
  readonly slo: Endpoint | undefined;
  readonly keys: readonly TrustedKey[];
  /** It says so in its metadata. SAML Metadata §2.4.3. */
  readonly wantsSignedRequests?: boolean;
}

/** Where that knowledge comes from: the configuration, or metadata. */
export interface IdpSource {
  /** From memory once it is known. @throws {UnavailableError} It is not. */
  current(signal: AbortSignal): Promise<Idp>;
  /** Read again, because a signature was by no key we know: undefined if it cannot be, or was a moment ago. */
  reread(signal: AbortSignal): Promise<Idp | undefined>;
  close(): void;
}
