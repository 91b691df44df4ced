/**
 * The departures from Dex that a configuration can run into, with the keys that they touch: what `dex doctor` prints.
 * Each row stands word for word in docs/reference/differences-from-dex.md, where the others are too; a test compares.
 * Patterns are key paths; `[*]` is every entry of a list.
 */
export interface Difference {
  readonly what: string;
  readonly why: string;
  readonly kind: "fixed" | "safer" | "never" | "ours";
  /** What brings Dex's behaviour back; empty: nothing does. */
  readonly switchedBy: string;
  readonly touches: readonly Touch[];
}

/** A key, and the values of it that matter: all where there is no `when`. */
export interface Touch {
  readonly path: string;
  readonly when?: (value: unknown) => boolean;
}

const device = "urn:ietf:params:oauth:grant-type:device_code";
const exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
const grants = (...names: readonly string[]): Touch => ({
  path: "oauth2.grantTypes[*]",
  when: (value) => names.some((name) => name === value),
});
const isTrue = (value: unknown): boolean => value === true;
const mentions = (word: string) => (value: unknown) => typeof value === "string" && value.split(" ").includes(word);
const isOfType = (type: string): Touch => ({ path: "connectors[*].type", when: (value) => value === type });
const endsWith = (end: string) => (value: unknown) => typeof value === "string" && value.endsWith(end);

export const differences: readonly Difference[] = [
  {
    what: "An `id_token` from the front channel needs a nonce, in hybrid requests too",
    why: "OIDC Core §3.3.2.11",
    kind: "fixed",
    switchedBy: "",
    touches: [{ path: "oauth2.responseTypes[*]", when: mentions("id_token") }],
  },
  {
    what: "A combination in `oauth2.responseTypes` (`code id_token`) enables itself; Dex wants each of its words listed",
    why: "OIDC Core §3.3",
    kind: "fixed",
    switchedBy: "",
    touches: [{ path: "oauth2.responseTypes[*]", when: (value) => typeof value === "string" && value.includes(" ") }],
  },
  {
    what: "Errors of implicit and hybrid requests are in the fragment, and the fragment is encoded once",
    why: "OAuth 2.0 Multiple Response Types §5",
    kind: "fixed",
    switchedBy: "",
    touches: [{ path: "oauth2.responseTypes[*]", when: (value) => value !== "code" }],
  },
  {
    what: "One refresh token family per login: two devices of a person do not end each other",
    why: "the most common complaint",
    kind: "fixed",
    switchedBy: "",
    touches: [{ path: "expiry.refreshTokens" }],
  },
  {
    what: "`client_credentials` needs a secret: a client without one is refused though it is not `public`",
    why: "RFC 6749 §4.4",
    kind: "safer",
    switchedBy: "",
    touches: [grants("client_credentials")],
  },
  {
    what: "Password grant: a wrong password is 400 `invalid_grant` instead of 401 `access_denied`, scope errors are `invalid_scope`; policy is asked before the password is tried",
    why: "RFC 6749 §5.2",
    kind: "fixed",
    switchedBy: "",
    touches: [{ path: "oauth2.passwordConnector", when: (value) => value !== "" }],
  },
  {
    what: "Token exchange: `audience` is honoured as the audience scopes are and refused with `invalid_target`, `resource` and `actor_token` are refused; Dex ignores all three",
    why: "a token for another target than asked for (RFC 8693 §2.1)",
    kind: "fixed",
    switchedBy: "",
    touches: [grants(exchange), { path: "connectors[*].grantTypes[*]", when: (value) => value === exchange }],
  },
  {
    what: "With `expiry.idTokens: 0` retired keys stay for the 24 hours that tokens then live",
    why: "Dex drops them while their tokens live",
    kind: "fixed",
    switchedBy: "",
    touches: [{ path: "expiry.idTokens", when: (value) => /^0[a-z]*$/.test(String(value)) }],
  },
  {
    what: "`/device/callback`, `{path}/device/callback` and `{issuer}/device/callback` are one registration; other addresses that end alike are none",
    why: "Dex compares the end of any address",
    kind: "fixed",
    switchedBy: "",
    touches: [{ path: "staticClients[*].redirectURIs[*]", when: endsWith("/device/callback") }],
  },
  {
    what: "`/device/code` authenticates the client and checks that it is registered for the flow, scopes and challenge; Dex hands out codes to anybody and fails in the browser",
    why: "RFC 8628 §3.1",
    kind: "fixed",
    switchedBy: "",
    touches: [grants(device), { path: "expiry.deviceRequests" }],
  },
  {
    what: "`oauth2.pkce.enforce` does not break the flow; a challenge of its own is still honoured",
    why: "Dex's own inner request has none",
    kind: "fixed",
    switchedBy: "",
    touches: [{ path: "oauth2.pkce.enforce", when: isTrue }],
  },
  {
    what: "An unset or empty `secretEnv` or `idEnv` variable is an error",
    why: "Dex makes it an empty secret, which lets in whoever sends none",
    kind: "never",
    switchedBy: "",
    touches: [{ path: "staticClients[*].secretEnv" }, { path: "staticClients[*].idEnv" }],
  },
  {
    what: "A second factor that is configured and cannot be asked for refuses the start",
    why: "Dex lets everybody in without it",
    kind: "never",
    switchedBy: "",
    touches: [{ path: "mfa.authenticators" }, { path: "staticClients[*].mfaChain" }],
  },
  {
    what: "Security headers on every answer, static files and 404 included; `web.headers` overrides them by name",
    why: "clickjacking, injection (RFC 9700 §4.16)",
    kind: "safer",
    switchedBy: "`web.headers`",
    touches: [{ path: "web.headers" }],
  },
  {
    what: "All `X-Forwarded-For` lines are read, from the right",
    why: "the first line can be forged",
    kind: "safer",
    switchedBy: "",
    touches: [{ path: "web.clientRemoteIP.header" }],
  },
  {
    what: "A user name is escaped once. Dex escapes twice, so names with `\\ * ( )` or other than ASCII characters never work",
    why: "RFC 4515 §3",
    kind: "fixed",
    switchedBy: "",
    touches: [isOfType("ldap")],
  },
  {
    what: "`insecureNoSSL` with `startTLS` uses StartTLS; Dex sends passwords in clear then",
    why: "the safer of two wishes",
    kind: "safer",
    switchedBy: "leave `startTLS` out",
    touches: [{ path: "connectors[*].config.startTLS", when: isTrue }],
  },
  {
    what: "`allowedGroups` counts without `insecureEnableGroups`",
    why: "Dex lets everybody in",
    kind: "safer",
    switchedBy: "`insecureIgnoreAllowedGroups`",
    touches: [{ path: "connectors[*].config.allowedGroups" }],
  },
];

/** Those that touch every configuration: they are said once, without a line. */
export const differencesForAll: readonly Difference[] = [
  {
    what: "`/token/introspect` needs client authentication with a secret; a refresh token is shown to its own client only",
    why: "anybody could try tokens (RFC 7662 §2.1)",
    kind: "safer",
    switchedBy: "`oauth2.anonymousIntrospection: true`",
    touches: [],
  },
  {
    what: "Sessions are on",
    why: "single sign-on and logout belong to the product",
    kind: "ours",
    switchedBy: "`DEX_SESSIONS_ENABLED=false`",
    touches: [],
  },
  {
    what: "A dead, unknown or expired refresh token and a redirect mismatch are `invalid_grant`; a widened scope is `invalid_scope`",
    why: "RFC 6749 §5.2",
    kind: "fixed",
    switchedBy: "",
    touches: [],
  },
  {
    what: "A request with two ways of client authentication, or a `client_id` that contradicts the header, is `invalid_request`",
    why: "RFC 6749 §2.3",
    kind: "fixed",
    switchedBy: "",
    touches: [],
  },
];
