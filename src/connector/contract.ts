/**
 * A connector asks one upstream who a person is. This room owns the conversation with the upstream and
 * nothing else: no storage, no tokens, no cookies. `flow/` decides when to ask and what follows.
 */
import type { Clock, Logger, Random, Trail } from "../kernel/ports.ts";
import type { Secret } from "../kernel/secret.ts";

/** Who the upstream says this is. Becomes ID token claims (OIDC Core §5.1). */
export interface Identity {
  /** Stable and never reassigned. Not an email address, not a login name. */
  readonly userId: string;
  /** The person's name as the upstream calls it; the `name` claim. */
  readonly username: string;
  readonly preferredUsername?: string;
  readonly email?: string;
  readonly emailVerified: boolean;
  readonly groups: readonly string[];
  /** What a later refresh needs. Stored with the session; shown to nobody. */
  readonly connectorData?: Secret<Uint8Array>;
}

/** The login worked, or the person must act. Faults (network, bad signature, config) are thrown. */
export type LoginResult =
  | { readonly ok: true; readonly identity: Identity }
  | { readonly ok: false; readonly reason: "wrong_credentials" | "not_in_required_groups" | "cancelled" | "gone" };

export interface Login {
  readonly scopes: { readonly offlineAccess: boolean; readonly groups: boolean };
  readonly trail: Trail;
  /** Aborts when the browser goes away or the deadline passes. Hand it to every upstream call. */
  readonly signal: AbortSignal;
}

/** Optional abilities, found by looking at the object. Absent means "cannot", never "throws". */
export interface Abilities {
  /** The identity as it is now. Called on every refresh_token grant (RFC 6749 §6). `gone` and the like end the grant. */
  refresh?(identity: Identity, login: Login): Promise<LoginResult>;
  /** The identity behind an upstream token, for token exchange (RFC 8693 §2.1). */
  identify?(token: Secret, tokenType: string, login: Login): Promise<LoginResult>;
  /** Where the person ends the upstream session, if it can be ended (OIDC RP-Initiated Logout §2). */
  logoutUrl?(returnTo: URL): Promise<URL | undefined>;
  close?(): Promise<void>;
}

/** The person types a name and a password into our own form. */
export interface PasswordConnector extends Abilities {
  readonly kind: "password";
  /** Label of the name field, "Email Address". Empty means "Username". */
  readonly prompt: string;
  login(username: string, password: Secret, login: Login): Promise<LoginResult>;
}

/** What the browser brought back to `/callback`. The dispatcher has already matched its `state`. */
export interface Callback {
  readonly method: string;
  /** The address as the browser asked for it, with the issuer's origin. */
  readonly url: URL;
  /** Lower-case names. `x-remote-*` is present only where a connector may trust it. */
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/** The person is sent away and comes back with something to redeem. */
export interface RedirectConnector extends Abilities {
  readonly kind: "redirect";
  /**
   * Where the person goes. `state` makes the value for the upstream's `state`; what is given to it travels sealed
   * with the browser and is handed to {@link finish}: PKCE verifier, nonce. RFC 7636 §4.1.
   */
  begin(callback: URL, state: (remember?: Secret) => string, login: Login): Promise<URL>;
  finish(callback: Callback, remember: Secret | undefined, login: Login): Promise<LoginResult>;
}

export type Connector = PasswordConnector | RedirectConnector;

/** What every connector is given, and all of it. */
export interface ConnectorDeps {
  readonly id: string;
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly fetch: typeof fetch;
}

/** One upstream protocol or vendor. `parse` throws {@link Error} with the mistake's key path in its message. */
export interface ConnectorType<Config = unknown> {
  /** As `connectors[].type` names it. */
  readonly type: string;
  /** Validates and types `connectors[].config`: a zod schema, which is docs and editor completion too. */
  readonly config: { parse(value: unknown): Config };
  open(config: Config, deps: ConnectorDeps): Promise<Connector>;
}

/** Keeps the config's type between `config` and `open`. */
export const defineConnector = <Config>(type: ConnectorType<Config>): ConnectorType<Config> => type;

/** A connector as the login page and the policies see it. */
export interface ConnectorInfo {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  /** Empty: all. */
  readonly grantTypes: readonly string[];
  /** Why it cannot be used now; absent when it can. For the operator, in safe words. */
  readonly unavailable?: string;
}

/** A connector that is open. */
export interface OpenConnector {
  readonly info: ConnectorInfo;
  readonly connector: Connector;
}

/** Every connector of this server, configured or stored. */
export interface Connectors {
  /** All of them, usable or not. From memory or at most a second old. */
  list(): Promise<readonly ConnectorInfo[]>;
  /** Undefined when there is no such connector. @throws {UnavailableError} It exists and cannot be opened now. */
  open(id: string): Promise<OpenConnector | undefined>;
}
