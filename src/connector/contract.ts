/**
 * A connector asks one upstream who a person is. This room owns the conversation with the upstream and
 * nothing else: no storage, no tokens, no cookies. `flow/` decides when to ask and what follows.
 */
import type { TLSSocket } from "node:tls";
import type { Cidr } from "../kernel/addresses.ts";
import type { Clock, Logger, Random, Trail } from "../kernel/ports.ts";
import type { Secret } from "../kernel/secret.ts";
import type { UpstreamOptions } from "../kernel/upstream-fetch.ts";

export type { UpstreamOptions };

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
  /** How the upstream says it checked the person: OIDC Core §2 `amr` (RFC 8176) and `acr`. Absent: it did not say. */
  readonly amr?: readonly string[];
  readonly acr?: string;
  /** The upstream's name for its own session with the person; OIDC Front-Channel Logout §3 `sid`, SAML `SessionIndex`. */
  readonly upstreamSessionId?: string;
}

/**
 * The login worked, or the person must act. Faults (network, bad signature, config) are thrown.
 * `password_expired`: right once, and to be changed at the upstream. `gone`: there is no such person any more.
 */
export type LoginResult =
  | { readonly ok: true; readonly identity: Identity }
  | {
      readonly ok: false;
      readonly reason: "wrong_credentials" | "password_expired" | "not_in_required_groups" | "cancelled" | "gone";
    };

export interface Login {
  readonly scopes: { readonly offlineAccess: boolean; readonly groups: boolean };
  readonly trail: Trail;
  /** Aborts when the browser goes away or the deadline passes. Hand it to every upstream call. */
  readonly signal: AbortSignal;
  /**
   * Stores at once what the next refresh needs: the upstream has burnt what we held, and a later call may fail. There
   * at a refresh only.
   */
  keep?(connectorData: Secret<Uint8Array>): Promise<void>;
  /** There at the beginning of a login only. */
  readonly wishes?: Wishes;
  /** Is told what the upstream has of the person, as it has it. There at a login of `dex connector test` only. */
  heard?(answer: string): void;
}

/** What the client asks of whoever asks the person: the text of strangers, for upstreams that know such words. OIDC Core §3.1.2.1. */
export interface Wishes {
  readonly loginHint?: string;
  /** BCP 47 tags, best first. */
  readonly uiLocales: readonly string[];
  readonly acrValues: readonly string[];
  /** Seconds since the person last proved who they are. */
  readonly maxAge?: number;
  /** They prove it again (`prompt=login`), or say who they are today (`select_account`), whatever session they have there. */
  readonly mustProve: boolean;
  readonly mustChoose: boolean;
}

/** Optional abilities, found by looking at the object. Absent means "cannot", never "throws". */
export interface Abilities {
  /** The identity as it is now. Called on every refresh_token grant (RFC 6749 §6). `gone` and the like end the grant. */
  refresh?(identity: Identity, login: Login): Promise<LoginResult>;
  /** {@link refresh} asks by the identity alone: no connector data has to be looked up for it. */
  readonly needsNoData?: true;
  /** The identity behind an upstream token, for token exchange (RFC 8693 §2.1). */
  identify?(token: Secret, tokenType: string, login: Login): Promise<LoginResult>;
  /**
   * Where the person ends the upstream session, or undefined if this one cannot be ended. OIDC RP-Initiated Logout
   * §2, SAML single logout.
   */
  logout?(request: UpstreamLogout, context: Pick<Login, "trail" | "signal">): Promise<Departure | undefined>;
  /** The upstream says that it ended a session. @throws {Error} The message is not the upstream's. OIDC Back-Channel Logout §2.6. */
  hearLogout?(message: Callback, context: Pick<Login, "trail" | "signal">): Promise<EndedUpstream>;
  /**
   * Whether the upstream is there, asked with no person's words and nothing that an upstream counts as an attempt. Absent:
   * it cannot be asked, or there is none. @throws {Error} It is away.
   */
  probe?(signal: AbortSignal): Promise<void>;
  close?(): Promise<void>;
}

/** What ends at the upstream, and where the person comes back to. */
export interface UpstreamLogout {
  readonly userId: string;
  readonly connectorData?: Secret<Uint8Array>;
  readonly upstreamSessionId?: string;
  readonly returnTo: URL;
  /** Comes back unchanged; at most 80 bytes (SAML Bindings §3.4.3). */
  readonly state: string;
}

/** Whose sessions an upstream ended: at least one of the two is there. */
export interface EndedUpstream {
  readonly userId?: string;
  readonly upstreamSessionId?: string;
  /** What the browser takes back to the upstream once that is done (SAML Core §3.7.2). Absent: nobody waits for it. */
  readonly answer?: Departure;
}

/** How the browser leaves for an upstream: by a redirect, or with a form it posts (SAML Bindings §3.5). */
export type Departure =
  | { readonly kind: "redirect"; readonly to: URL }
  | { readonly kind: "post"; readonly to: URL; readonly fields: Readonly<Record<string, string>> };

/** The person types a name and a password into our own form. */
export interface PasswordConnector extends Abilities {
  readonly kind: "password";
  /** Label of the name field, "Email Address". Empty means "Username". */
  readonly prompt: string;
  login(username: string, password: Secret, login: Login): Promise<LoginResult>;
  /**
   * Single sign-on without the form: `token` is what `Authorization: Negotiate` holds. `fallback`: show the form.
   * RFC 4559 §4.
   */
  negotiate?(token: Secret<Uint8Array>, login: Login): Promise<LoginResult | { readonly ok: "fallback" }>;
}

/** What the browser brought back to `/callback`. The dispatcher has already matched its `state`. */
export interface Callback {
  readonly method: string;
  /** The address as the browser asked for it, with the issuer's origin. */
  readonly url: URL;
  /** Lower-case names. `x-remote-*` is present only where a connector may trust it. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Names of headers that came in several lines: which one is meant is the connector's policy. */
  readonly repeatedHeaders?: ReadonlySet<string>;
  /** The urlencoded body, each name's first value; empty when there is none. */
  readonly form: ReadonlyMap<string, string>;
  /** The address of the TCP peer, no port: who may speak for a person is the connector's policy. */
  readonly peer: string;
}

/**
 * Makes the value for the upstream's `state`, bound to this browser and login. What is given to it is handed to
 * {@link RedirectConnector.finish}: PKCE verifier, nonce, request id. `short`: at most 80 bytes (SAML Bindings §3.4.3);
 * the rest travels in a cookie.
 */
export type StateMaker = (remember?: Secret, form?: "whole" | "short") => string;

/** The person is sent away and comes back with something to redeem. */
export interface RedirectConnector extends Abilities {
  readonly kind: "redirect";
  /** How the browser comes back: `post` with a form (SAML Bindings §3.5), and no other way. */
  readonly returnsBy: "redirect" | "post";
  /** Where the person goes. `callback` is our own address for the way back. */
  begin(callback: URL, state: StateMaker, login: Login): Promise<Departure>;
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
  /** Who may speak for people, by `web.clientRemoteIP.trustedProxies`. Empty: nobody was named. */
  readonly trustedProxies?: readonly Cidr[];
  /**
   * A `fetch` for one upstream, with connections of its own that end with the connector. It honours `HTTPS_PROXY`,
   * `HTTP_PROXY` and `NO_PROXY`, has a deadline, bounds the body, and asks a busy upstream (429, 503) again where that
   * does no harm. @throws {UnavailableError} From each call: no answer in time, or none at all.
   * @throws {BadAnswerError} From each call: too long an answer, or a redirect that we do not follow.
   */
  openFetch(options?: UpstreamOptions): typeof globalThis.fetch;
}

/** What a connector can do, as the documentation's table says it. */
export interface ConnectorAbout {
  readonly refresh: boolean;
  readonly groups: boolean;
  readonly preferredUsername: boolean;
  readonly logout: boolean;
  readonly tokenExchange: boolean;
  readonly status: "stable" | "beta" | "alpha";
}

/** Where a test of a connector tells what it finds. No secrets. */
export interface Findings {
  /** `about` is one or two words: "discovery", "group search". */
  fact(outcome: "pass" | "warn" | "fail", about: string, text: string): void;
}

/** The same for a connector's own part of the test. What is known by its address in the settings was looked at before. */
export interface Report extends Findings {
  /** Looks at a server of the upstream: its name, whether it listens, its certificate. `ldap:` and `ldaps:` too. */
  address(url: URL): Promise<void>;
  /** Tells of the protection of an open connection, whether anybody trusts its certificate or not. */
  tls(socket: TLSSocket): void;
  /** Tells how far the clocks are apart. `theirs` in milliseconds since the epoch. */
  clock(theirs: number): void;
  /** Tells how long a certificate is good. `validTo` in milliseconds since the epoch. */
  certificate(name: string, validTo: number): void;
}

/** One upstream protocol or vendor. `parse` throws {@link Error} with the mistake's key path in its message. */
export interface ConnectorType<Config = unknown> {
  /** As `connectors[].type` names it. */
  readonly type: string;
  /** Validates and types `connectors[].config`: a zod schema, which is docs and editor completion too. */
  readonly config: { parse(value: unknown): Config };
  readonly about: ConnectorAbout;
  /** Keeps the config; the upstream is reached when somebody asks, or in the background. */
  open(config: Config, deps: ConnectorDeps): Promise<Connector>;
  /**
   * For `dex connector test`: asks the upstream for all that a login would need, without anybody signing in, and tells
   * what it says. What goes wrong is a fact too. @throws {Error} Nothing more can be found out.
   */
  diagnose?(config: Config, deps: ConnectorDeps, report: Report): Promise<void>;
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
  /** The one of {@link list} with this id. */
  find(id: string): Promise<ConnectorInfo | undefined>;
  /**
   * Undefined when there is no such connector. One whose upstream has died since stays open: its `info` says so, and
   * logins under way find out by themselves. @throws {UnavailableError} It exists and cannot be opened now.
   */
  open(id: string): Promise<OpenConnector | undefined>;
}
