/**
 * What people do with their own account in the built-in password database: make it, prove its address, get in again
 * after forgetting the password, change either. The room owns the rules and the order of writes; it knows no HTTP.
 * Whoever signs in goes through the connector `local` as before. `/signup`, `/password/*`, `/account/*`.
 */
import type { EndDeps } from "../flow/end-session.ts";
import type { BcryptPool } from "../kernel/bcrypt-pool.ts";
import type { Clock, Logger, Random, Trail } from "../kernel/ports.ts";
import type { Mailer } from "../mail/contract.ts";
import type { Locale } from "../page/messages.ts";
import type { Storage } from "../storage/contract.ts";
import type { Attempts } from "../token/attempts.ts";
import type { Limits } from "../token/limits.ts";
import type { BreachedPasswords } from "./breached-passwords.ts";

/** The id of the built-in connector. compat(dex): server/server.go. */
export const localConnectorId = "local";

export interface AccountDeps {
  readonly storage: Storage;
  readonly bcrypt: Pick<BcryptPool, "compare" | "hash">;
  /** Undefined: no list is configured. */
  readonly breached: BreachedPasswords | undefined;
  /** Undefined: nothing is mailed. */
  readonly mailer: Mailer | undefined;
  /** Key of mailed tokens. */
  readonly tokenKey: Uint8Array;
  /** Ending sessions and refresh tokens. */
  readonly end: EndDeps;
  readonly issuer: string;
  /** What people know this service by. */
  readonly issuerName: string;
  readonly isSignupOpen: boolean;
  readonly assumeEmailVerified: boolean;
  /** The current password is tried under the same count as at the login. */
  readonly attempts: Attempts;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Who asks; the trail is the request's. */
export interface Asker extends AskedFrom {
  readonly trail: Trail;
}

/** Whence somebody asks, as far as a mail may say. */
export interface AskedFrom {
  readonly locale: Locale;
  readonly ipAddress: string;
  /** "Firefox · Linux"; empty when the browser does not say. */
  readonly device: string;
}

/** compat(dex): bcrypt's cost of its fork's sign-up. */
export const bcryptCost = 10;
