/**
 * Administration over gRPC: `api.Dex` (proto/api.proto), which tools know from Dex, and `dexts.Admin`
 * (proto/admin.proto), what goes beyond it. This room owns the wire: who may call, limits, status codes, one file of
 * methods per resource. What a call changes is done by storage and by the flows that browsers use as well.
 */
import type { EndDeps } from "../flow/end-session.ts";
import type { BcryptPool } from "../kernel/bcrypt-pool.ts";
import type { Logger, Random, Trail } from "../kernel/ports.ts";
import type { Signer } from "../signer/contract.ts";
import type { Storage } from "../storage/contract.ts";
import type { Attempts } from "../token/attempts.ts";
import type { BlockedUsers } from "../token/blocked-users.ts";
import type { DiscoveryResp } from "./api-messages.ts";

/** What the methods work on. */
export interface AdminDeps extends EndDeps {
  readonly storage: Storage;
  readonly signer: Signer;
  readonly bcrypt: Pick<BcryptPool, "compare">;
  /** Key of the client secrets that we create. */
  readonly clientSecretKey: Uint8Array;
  readonly blockedUsers: BlockedUsers;
  /** Guesses at passwords, counted as browsers' are. */
  readonly attempts: Attempts;
  readonly random: Random;
  /** compat(dex): `DEX_API_CONNECTORS_CRUD`, `DEX_API_SESSIONS_IDENTITIES_CRUD`. */
  readonly mayChangeConnectors: boolean;
  readonly mayChangePeople: boolean;
  /** What `GetVersion` says. */
  readonly version: string;
  /** What `/.well-known/openid-configuration` says. */
  discovery(): Promise<DiscoveryResp>;
}

/** One call, as its method sees it. */
export interface Call {
  /** Aborts when the caller goes away or its deadline passes. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
  readonly trail: Trail;
}

/** What serves the methods `M`: a function each, of the request and what it works on. */
export type Methods<M> = {
  readonly [Name in keyof M]: M[Name] extends readonly [infer Request, infer Response]
    ? (request: Request, deps: AdminDeps, call: Call) => Promise<Response>
    : never;
};
