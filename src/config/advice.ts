import type { Touch } from "./differences.ts";

/** A setting that an operator should change, and what to do instead. */
export interface Advice extends Touch {
  readonly kind: "deprecated" | "dangerous";
  readonly message: string;
  readonly todo: string;
}

const isTrue = (value: unknown): boolean => value === true;
const is = (wanted: unknown) => (value: unknown) => value === wanted;
const hasText = (value: unknown): boolean => typeof value === "string" && value !== "";

const dangerous = (path: string, when: Advice["when"], message: string, todo: string): Advice => ({
  kind: "dangerous",
  path,
  message,
  todo,
  ...(when === undefined ? {} : { when }),
});

const noTls = "the certificate is not checked: whoever is on the way reads and writes along";

/** Settings by key. Ours, from what goes wrong in the field; the specifications' reasons are named. */
export const advice: readonly Advice[] = [
  {
    kind: "deprecated",
    path: "expiry.signingKeys",
    message: "replaced by the signer's own setting",
    todo: "move it to signer: {type: local, config: {keysRotationPeriod: …}}",
  },
  dangerous(
    "issuer",
    (value) => typeof value === "string" && /^http:\/\/(?!(localhost|127\.|\[::1\])(?=[.:/\d]|$))/i.test(value),
    "an issuer without TLS: passwords and tokens travel in clear",
    "serve it by https, also behind a proxy (OIDC Core §16.17)",
  ),
  dangerous(
    "storage.type",
    is("memory"),
    "everything is forgotten at a restart",
    "use sqlite3, postgres, mysql or etcd",
  ),
  dangerous(
    "oauth2.passwordConnector",
    hasText,
    "applications see their users' passwords, and no second factor is asked for",
    "use the authorization code flow, or the device flow (RFC 9700 §2.4)",
  ),
  dangerous(
    "oauth2.responseTypes[*]",
    (value) => typeof value === "string" && value.split(" ").includes("token"),
    "access tokens in addresses leak through history, logs and referrers",
    "use code with PKCE (RFC 9700 §2.1.2)",
  ),
  dangerous(
    "oauth2.pkce.codeChallengeMethodsSupported[*]",
    is("plain"),
    "a challenge that is the verifier protects little",
    "leave S256 alone (RFC 9700 §2.1.1)",
  ),
  dangerous(
    "oauth2.anonymousIntrospection",
    isTrue,
    "anybody may try tokens",
    "give resource servers clients of their own (RFC 7662 §2.1)",
  ),
  dangerous(
    "expiry.refreshTokens.disableRotation",
    isTrue,
    "a stolen refresh token is never noticed",
    "leave rotation on (RFC 9700 §2.2.2)",
  ),
  dangerous("web.allowedOrigins[*]", is("*"), "scripts of every site may read answers", "name the origins"),
  dangerous(
    "web.clientRemoteIP.trustedProxies[*]",
    (value) => value === "0.0.0.0/0" || value === "::/0",
    "anybody may claim any address",
    "name the proxies' own ranges",
  ),
  dangerous(
    "telemetry.enableProfiling",
    isTrue,
    "profiles show memory, and nobody is asked who they are",
    "turn it on only while you need it, on an address of this machine",
  ),
  dangerous(
    "staticClients[*].secret",
    hasText,
    "a secret stands in the file",
    "use secretEnv, and keep the secret where your platform keeps secrets",
  ),
  dangerous(
    "staticClients[*].redirectURIs[*]",
    (value) => typeof value === "string" && /^http:\/\/(?!localhost|127\.|\[::1\])/i.test(value),
    "codes travel in clear to this address",
    "use https (RFC 9700 §2.6)",
  ),
  dangerous("connectors[*].config.insecureSkipVerify", isTrue, noTls, "name the authority in rootCAs or rootCA"),
  dangerous("connectors[*].config.insecureNoSSL", isTrue, "passwords travel in clear", "use TLS or startTLS"),
  dangerous(
    "connectors[*].config.insecureSkipSignatureValidation",
    isTrue,
    "anybody may write an assertion about anybody",
    "give the connector the identity provider's certificate",
  ),
  dangerous(
    "connectors[*].config.insecureSkipEmailVerified",
    isTrue,
    "an address that nobody has proved counts as proved",
    "let the provider verify addresses, or do not use them to decide anything",
  ),
  ...["mockCallback", "mockPassword"].map((type) =>
    dangerous("connectors[*].type", is(type), "signs everybody in: for trying things out", "remove it"),
  ),
  dangerous(
    "storage.config.ssl.mode",
    is("disable"),
    "records, keys among them, travel in clear to the database",
    "use verify-full, unless the database is on this machine",
  ),
];
