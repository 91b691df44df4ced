/**
 * A grant proves the right to tokens. This room owns one file per `grant_type` and nothing they share:
 * `endpoint/token.ts` runs the phases for all of them, so a grant cannot forget one. RFC 6749 §4.
 */
import type { Connectors } from "../connector/contract.ts";
import type { Clock, Logger, Millis, Random, Trail } from "../kernel/ports.ts";
import type { Storage } from "../storage/contract.ts";
import type { Client } from "../storage/records.ts";
import type { TokenAnswer } from "../token/answer.ts";
import type { Attempts } from "../token/attempts.ts";
import type { BlockedUsers } from "../token/blocked-users.ts";
import type { FactorPolicy } from "../token/factor-chain.ts";
import type { MintDeps } from "../token/id-token.ts";
import type { RefreshPolicy } from "../token/refresh-rotation.ts";
import type { AnsweredConnections } from "../token/replay.ts";
import type { Revocations } from "../token/revocations.ts";

/** What every grant may use. */
export interface GrantDeps {
  readonly storage: Storage;
  readonly connectors: Connectors;
  readonly mint: MintDeps;
  /** Key of codes and their records. */
  readonly codeKey: Uint8Array;
  /** Key of refresh secrets. */
  readonly refreshKey: Uint8Array;
  readonly refreshPolicy: RefreshPolicy;
  /** How long an authorization request lives: a redeemed code is remembered at least as long. */
  readonly requestLifetime: Millis;
  /** `expiry.deviceRequests`: how long a device waits for its person. */
  readonly deviceLifetime: Millis;
  readonly answered: AnsweredConnections;
  readonly blockedUsers: BlockedUsers;
  readonly factors: FactorPolicy;
  /** Guesses at passwords. */
  readonly attempts: Attempts;
  /** Whether logins have sessions, which tokens may have to end with. */
  readonly hasSessions: boolean;
  readonly revocations: Revocations;
  /** `oauth2.passwordConnector`: who checks the password grant. */
  readonly passwordConnector?: string;
  readonly clock: Clock;
  readonly random: Random;
}

/** What the token endpoint knows before the grant begins. */
export interface GrantContext {
  readonly client: Client;
  readonly trail: Trail;
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /** When the request came in; milliseconds since the epoch. */
  readonly receivedAt: number;
  /** Whose network it came from, where the client has no secret: then it runs wherever somebody likes, guessing too. */
  readonly address?: string;
  /** See `http/contract.ts`: tells a client's race from a replay. */
  readonly connection: object;
}

/** The body's parameters: each at most once (RFC 6749 §3.2); an empty value counts as absent (RFC 6749 §3.1). */
export interface GrantParams {
  get(name: string): string | undefined;
  /** Every value of one that {@link Grant.repeatable} lists. */
  all(name: string): readonly string[];
}

/** One grant_type. The endpoint has authenticated the client before `redeem` is called. */
export interface Grant {
  readonly grantType: string;
  /** Parameters that may come more than once, against RFC 6749 §3.2 and by the grant's own specification. */
  readonly repeatable?: readonly string[];
  /**
   * Proves the right, passes `authorize`, consumes the credential and mints, in this order.
   * @throws {OAuthError} The refusal, in the protocol's words.
   */
  redeem(params: GrantParams, context: GrantContext, deps: GrantDeps): Promise<TokenAnswer>;
}
