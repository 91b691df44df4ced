/**
 * One file per address. An endpoint parses its request, calls a flow or a grant and words the answer; it
 * has no rules of its own. This file holds what they share: the one provider that the server builds.
 */
import type { AccountDeps } from "../account/account.ts";
import type { FlowContext, FlowDeps } from "../flow/contract.ts";
import type { Grant, GrantDeps } from "../grant/contract.ts";
import type { HttpRequest } from "../http/contract.ts";
import type { Health } from "../kernel/health.ts";
import type { Clock, Logger, Random, Trail } from "../kernel/ports.ts";
import type { PageContext } from "../page/layout.ts";
import type { Signer } from "../signer/contract.ts";
import type { Storage } from "../storage/contract.ts";
import type { Attempts } from "../token/attempts.ts";
import type { Limits } from "../token/limits.ts";
import type { TokenVerifier } from "../token/verify-access-token.ts";
import type { SessionCookies } from "./session-cookie.ts";

export interface Provider {
  readonly flow: FlowDeps;
  readonly grant: GrantDeps;
  /** What people do with accounts of the built-in password database; undefined: there is none. */
  readonly account: AccountDeps | undefined;
  /** What `/token` serves, by `grant_type`. */
  readonly grants: ReadonlyMap<string, Grant>;
  /** What discovery lists, sorted. */
  readonly grantTypes: readonly string[];
  readonly health: Health;
  /** Guesses at passwords and codes. */
  readonly attempts: Attempts;
  /** Whatever else may be tried only so often. */
  readonly limits: Limits;
  /** `oauth2.anonymousIntrospection`. */
  readonly isIntrospectionOpen: boolean;
  /** Key of the client secrets that we create. */
  readonly clientSecretKey: Uint8Array;
  /** Whether a token of ours still counts. */
  readonly verifyToken: TokenVerifier;
  /** How browsers hold their sessions. */
  readonly sessionCookies: SessionCookies;
  readonly signer: Signer;
  /** Seconds for which clients may keep `/keys`: no longer than the next key is public before it signs. */
  readonly keysMaxAge: number;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** A fresh trail for one request. */
  trail(request: HttpRequest): Trail;
  page(request: HttpRequest): PageContext;
}

/** A request's share of the flow, once its browser is known. */
export function flowContext(request: HttpRequest, browsers: readonly string[], provider: Provider): FlowContext {
  return {
    browsers,
    holder: provider.sessionCookies.holderOf(request),
    device: { ipAddress: request.clientIp, userAgent: (request.headers["user-agent"] ?? "").slice(0, 1024) },
    trail: provider.trail(request),
    speak: (uiLocales) => {
      request.uiLocales = uiLocales;
    },
    // Made when somebody asks: most steps call no upstream and log nothing.
    get signal() {
      return request.signal;
    },
    get logger() {
      return request.logger;
    },
  };
}
