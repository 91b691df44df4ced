/**
 * The browser login: from a validated authorization request to the answer that goes back to the client.
 * `next-step.ts` decides, the other files act. Nothing is stored before a person has proved who they are:
 * until then the request travels sealed with the browser (`sealed-request.ts`).
 */
import type { Connectors } from "../connector/contract.ts";
import type { Clock, Logger, Millis, Random, Trail } from "../kernel/ports.ts";
import type { Sealer } from "../kernel/seal.ts";
import type { NamedClaims } from "../oauth/claims-request.ts";
import type { OAuthError } from "../oauth/error.ts";
import type { ResponseMode } from "../oauth/response-type.ts";
import type { Storage } from "../storage/contract.ts";
import type { BlockedUsers } from "../token/blocked-users.ts";
import type { MintDeps } from "../token/id-token.ts";
import type { Revocations } from "../token/revocations.ts";
import type { TellClients } from "./end-session.ts";
import type { Factors } from "./factor-contract.ts";
import type { Device, SessionHolder, SessionPolicy } from "./session-contract.ts";

/** The operator's choices that a login depends on. */
export interface FlowPolicy {
  /** The issuer as configured; every address of ours is built from it. */
  readonly issuer: string;
  /** Path of the issuer, "" when it has none. */
  readonly issuerPath: string;
  /** As configured: single types, and combinations such as "code id_token". */
  readonly responseTypes: readonly string[];
  readonly grantTypes: readonly string[];
  readonly skipApprovalScreen: boolean;
  readonly alwaysShowLoginScreen: boolean;
  /** Connector ids by lower-case domain of `login_hint`. */
  readonly loginHintDomains: ReadonlyMap<string, string>;
  readonly enforcePkce: boolean;
  readonly codeChallengeMethods: readonly string[];
  readonly requestLifetime: Millis;
}

/** What every step may use. */
export interface FlowDeps {
  readonly policy: FlowPolicy;
  readonly storage: Storage;
  readonly connectors: Connectors;
  readonly sealer: Sealer;
  readonly mint: MintDeps;
  /** Undefined: sessions are switched off, and every login asks again. */
  readonly sessions: SessionPolicy | undefined;
  readonly blockedUsers: BlockedUsers;
  readonly factors: Factors;
  /** Tells clients of a session's end now; what fails stays in storage and is tried again. */
  readonly tellClients: TellClients;
  readonly revocations: Revocations;
  /** Key of refresh secrets. */
  readonly refreshKey: Uint8Array;
  /** Key of the hashes of recovery codes. */
  readonly recoveryKey: Uint8Array;
  /** Key of codes and their records. */
  readonly codeKey: Uint8Array;
  readonly clock: Clock;
  readonly random: Random;
}

/** One HTTP request's share of a flow. */
export interface FlowContext {
  /** The cookie-held secrets of this browser. Sealed requests and step MACs are bound to the first; any opens. */
  readonly browsers: readonly string[];
  readonly holder: SessionHolder;
  readonly device: Device;
  readonly trail: Trail;
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /** From here on the person reads the languages that the client asked for, best first, on error pages too. */
  speak(uiLocales: readonly string[]): void;
}

/** A validated authorization request. RFC 6749 §4.1.1, OIDC Core §3.1.2.1. */
export interface FlowRequest {
  /** 128 bits; what makes the answer to this request single. */
  readonly flowId: string;
  readonly clientId: string;
  readonly redirectUri: string;
  readonly responseTypes: readonly string[];
  readonly responseMode: ResponseMode;
  readonly scopes: readonly string[];
  /** Absent when the client sent none. */
  readonly state?: string;
  readonly nonce: string;
  readonly codeChallenge: string;
  readonly codeChallengeMethod: string;
  readonly prompt: readonly string[];
  /** Seconds. */
  readonly maxAge?: number;
  readonly loginHint?: string;
  /** BCP 47 tags, best first: `ui_locales`. */
  readonly uiLocales: readonly string[];
  /** Claims asked for by name, beside those of the scopes. OIDC Core §5.5. */
  readonly namedClaims?: NamedClaims;
  /** Authentication contexts asked for, best first. OIDC Core §2 `acr`. */
  readonly acrValues: readonly string[];
  /** One of `acrValues` must be met, else nothing is issued. OIDC Core §5.5.1.1. */
  readonly acrIsEssential: boolean;
  /** `sub` of the one person the answer may be about: of `id_token_hint`, or asked for as a claim. OIDC Core §3.1.2.2. */
  readonly hintedSubject?: string;
  readonly forceConsent: boolean;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** Under which span it began, where anybody traces: `followTrace`. */
  readonly traceparent?: string;
}

/** What a step leads to. */
export type FlowOutcome =
  | { readonly go: "redirect"; readonly to: string; readonly status: 302 | 303; readonly carry?: CarriedState }
  | FormPost
  | { readonly go: "show_code"; readonly code: string };

/** The browser posts a form: to the client (OAuth 2.0 Form Post Response Mode §2) or an upstream (SAML Bindings §3.5). */
export interface FormPost {
  readonly go: "post";
  readonly to: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly receiver: "client" | "upstream" | "self";
  readonly carry?: CarriedState;
}

/** A sealed state that no address has room for: the browser keeps it in a cookie, and `handle` names it. */
export interface CarriedState {
  readonly handle: string;
  readonly sealed: string;
}

/** Where the client's answer goes, proved to be the client's. RFC 6749 §4.1.2.1. */
export interface AnswerTarget {
  readonly redirectUri: string;
  readonly responseMode: ResponseMode;
  readonly state?: string;
}

/** A refusal that belongs to the client, by redirect. Thrown once the redirect URI is proved. */
export class ClientRefusal extends Error {
  override readonly name = "ClientRefusal";
  readonly error: OAuthError;
  readonly target: AnswerTarget;

  constructor(error: OAuthError, target: AnswerTarget) {
    super(error.message, { cause: error });
    this.error = error;
    this.target = target;
  }
}
