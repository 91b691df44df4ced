/**
 * A grant proves the right to tokens. This room owns one file per `grant_type` and nothing they share:
 * `endpoint/token.ts` runs the phases for all of them, so a grant cannot forget one. RFC 6749 §4.
 */
import type { Trail } from "../kernel/ports.ts";
import type { Client } from "../storage/records.ts";
import type { TokenAnswer } from "../token/answer.ts";

/** What the token endpoint knows before the grant begins. */
export interface GrantContext {
  readonly client: Client;
  readonly trail: Trail;
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** See `http/contract.ts`: tells a client's race from a replay. */
  readonly connection: object;
}

/** The body's parameters: each at most once (RFC 6749 §3.2); an empty value counts as absent (RFC 6749 §3.1). */
export type GrantParams = ReadonlyMap<string, string>;

/** One grant_type. The endpoint has authenticated the client before `redeem` is called. */
export interface Grant {
  readonly grantType: string;
  /**
   * Proves the right, passes `authorize`, consumes the credential and mints, in this order.
   * @throws {OAuthError} The refusal, in the protocol's words.
   */
  redeem(params: GrantParams, context: GrantContext): Promise<TokenAnswer>;
}
