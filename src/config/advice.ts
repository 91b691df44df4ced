import { parseDuration } from "../kernel/duration.ts";
import { parseTouch, type Touch } from "./touch.ts";

/** A setting that an operator should change, and what to do instead. */
export interface Advice extends Touch {
  readonly kind: "deprecated" | "dangerous";
  readonly message: string;
  readonly todo: string;
}

const said =
  (kind: Advice["kind"]) =>
  (touch: string | Touch, message: string, todo: string): Advice => ({
    ...(typeof touch === "string" ? parseTouch(touch) : touch),
    kind,
    message,
    todo,
  });
const deprecated = said("deprecated");
const dangerous = said("dangerous");

const noTls = "the certificate is not checked: whoever is on the way reads and writes along";
const inClear = "names, passwords or keys travel in clear";
const isLocal = "(localhost|127\\.[\\d.]+|\\[::1\\])";
const isClearAddress = matching(new RegExp(`^(http|ldap)://(?!${isLocal}([:/]|$))`, "i"));
/** Text that is no `$VAR`. */
const isWritten = matching(/^(?!\$).+/s);

function matching(pattern: RegExp): (value: unknown) => boolean {
  return (value) => typeof value === "string" && pattern.test(value);
}

/** A member of a plain object, whatever case its key has; undefined where there is none. */
function member(value: unknown, key: string): unknown {
  const found = Object.entries(value ?? {}).find(([name]) => name.toLowerCase() === key.toLowerCase());
  return found?.[1];
}

const isLonger = (limit: string) => (value: unknown) => {
  try {
    return parseDuration(String(value)) > parseDuration(limit);
  } catch {
    return false; // The mistake is reported as one.
  }
};

const isOnTheNet = (address: unknown): boolean =>
  typeof address === "string" && address !== "" && !new RegExp(`^${isLocal}:\\d+$`, "i").test(address);

/** The hash that Dex's samples have, of "password". */
const sampleHash = "$2a$10$2b2cU8CPhOTaGrs1HRQuAueS7JTT5ZHsHSzYiFPm1leZck7Mc8T4W";
/** The secret of `example-app` there. */
const sampleSecret = "ZXhhbXBsZS1hcHAtc2VjcmV0";

const forTrying = "signs everybody in: for trying things out";
const keepSecrets = "name a variable ($VAR), and keep the secret where your platform keeps secrets";

/** Settings by key. Ours, from what goes wrong in the field; the specifications' reasons are named. */
export const advice: readonly Advice[] = [
  deprecated(
    "expiry.signingKeys",
    "replaced by the signer's own setting",
    "move it to signer: {type: local, config: {keysRotationPeriod: …}}",
  ),
  deprecated("frontend.theme=coreos", "a name from before; the default theme is served", "light"),
  deprecated("frontend.theme=tectonic", "a name from before; the default theme is served", "light"),
  deprecated("connectors[*].type=samlExperimental", "the connector's name when it was new", "saml"),
  deprecated("connectors[github].config.org", "one organization, and its teams without a prefix", "orgs: [{name: …}]"),
  deprecated("connectors[google].config.adminEmail", "replaced", 'domainToAdminEmail: {"*": …}'),
  ...["userAttr", "groupAttr", "recursionGroupAttr"].map((key) =>
    deprecated(
      `connectors[ldap].config.groupSearch.${key}`,
      "replaced",
      "groupSearch.userMatchers: [{userAttr: …, groupAttr: …}]",
    ),
  ),
  deprecated(
    "connectors[bitbucket-cloud].config.includeTeamGroups",
    "has no effect: Bitbucket took the API away",
    "remove it",
  ),
  deprecated(
    "connectors[oidc].config.hostedDomains",
    "gone from Dex too, and refuses the start",
    "the google connector has it",
  ),
  deprecated(
    "staticClients[*].redirectURIs[*]=urn:ietf:wg:oauth:2.0:oob",
    "people can be talked into reading the code to somebody",
    "a loopback address (RFC 8252 §7.3) or the device flow (RFC 8628)",
  ),
  dangerous(
    { path: "issuer", when: isClearAddress },
    "an issuer without TLS: passwords and tokens travel in clear",
    "serve it by https, also behind a proxy (OIDC Core §16.17)",
  ),
  dangerous("storage.type=memory", "everything is forgotten at a restart", "use sqlite3, postgres, mysql or etcd"),
  dangerous({ path: "storage.config.password", when: isWritten }, "a password stands in the file", keepSecrets),
  ...["disable", "allow", "prefer", "false", "preferred"].map((mode) =>
    dangerous(
      `storage.config.ssl.mode=${mode}`,
      "records, keys among them, may travel in clear to the database",
      "use verify-full (MySQL: true), unless the database is on this machine",
    ),
  ),
  ...["require", "skip-verify"].map((mode) =>
    dangerous(`storage.config.ssl.mode=${mode}`, noTls, "verify-full (MySQL: true)"),
  ),
  dangerous({ path: "storage.config.endpoints[*]", when: isClearAddress }, inClear, "https, with storage.config.ssl"),
  dangerous(
    "oauth2.passwordConnector=?*",
    "applications see their users' passwords, and no second factor is asked for",
    "use the authorization code flow, or the device flow (RFC 9700 §2.4)",
  ),
  dangerous(
    { path: "oauth2.responseTypes[*]", when: matching(/(^| )token( |$)/) },
    "access tokens in addresses leak through history, logs and referrers",
    "use code with PKCE (RFC 9700 §2.1.2)",
  ),
  dangerous(
    "oauth2.pkce.codeChallengeMethodsSupported[*]=plain",
    "a challenge that is the verifier protects little",
    "leave S256 alone (RFC 9700 §2.1.1)",
  ),
  dangerous(
    {
      path: "",
      when: (file) => hasPublicClient(file) && member(member(member(file, "oauth2"), "pkce"), "enforce") !== true,
    },
    "public clients may leave PKCE out, and then a code that leaks is worth tokens",
    "oauth2: {pkce: {enforce: true}} once all of them send a challenge (RFC 9700 §2.1.1)",
  ),
  dangerous(
    "oauth2.anonymousIntrospection=true",
    "anybody may try tokens",
    "give resource servers clients of their own (RFC 7662 §2.1)",
  ),
  dangerous(
    "expiry.refreshTokens.disableRotation=true",
    "a stolen refresh token is never noticed",
    "leave rotation on (RFC 9700 §2.2.2)",
  ),
  dangerous(
    { path: "expiry.refreshTokens.reuseInterval", when: isLonger("1m") },
    "a rotated refresh token works for longer than a lost answer explains",
    "a few seconds (RFC 9700 §4.14.2)",
  ),
  dangerous(
    { path: "", when: (file) => !hasRefreshLimit(member(member(file, "expiry"), "refreshTokens")) },
    "refresh tokens live for ever, however long unused",
    "expiry: {refreshTokens: {validIfNotUsedFor: 720h, absoluteLifetime: 3960h}} (RFC 9700 §4.14.2)",
  ),
  dangerous(
    { path: "expiry.idTokens", when: isLonger("24h") },
    "who has lost access keeps it that long wherever tokens are checked without asking us",
    "an hour or less; refresh tokens bring new ones",
  ),
  dangerous("web.allowedOrigins[*]=[*]", "scripts of every site may read answers", "name the origins"),
  ...["0.0.0.0/0", "::/0"].flatMap((range) => [
    dangerous(
      `web.clientRemoteIP.trustedProxies[*]=${range}`,
      "anybody may claim any address",
      "name the proxies' own ranges",
    ),
    dangerous(
      `connectors[authproxy].config.trustedProxies[*]=${range}`,
      "whoever reaches this server is whom they say",
      "name the proxies' own ranges",
    ),
  ]),
  dangerous(
    {
      path: "web.clientRemoteIP",
      when: (value) => member(value, "header") !== undefined && member(value, "trustedProxies") === undefined,
    },
    "the header is ignored, since anybody could send it: all people behind a proxy share its address, and its limits",
    "trustedProxies: the proxies' ranges",
  ),
  dangerous(
    { path: "grpc", when: (value) => isOnTheNet(member(value, "addr")) && member(value, "tlsClientCA") === undefined },
    "whoever reaches the API is its administrator: clients, passwords and connectors can be changed",
    "tlsClientCA, or an address of this machine",
  ),
  dangerous(
    "telemetry.enableProfiling=true",
    "profiles show memory, and nobody is asked who they are",
    "turn it on only while you need it, on an address of this machine",
  ),
  dangerous("logger.level=debug", "names, addresses and search filters of people are in the log", "info"),
  dangerous("lockout.disabled=true", "passwords and codes can be guessed for ever", "leave it out"),
  dangerous(
    "signup.assumeEmailVerified=true",
    "a new account may have anybody's address",
    "set mail up (guide: sign-up)",
  ),
  dangerous("mail.tls=none", inClear, "starttls or implicit"),
  dangerous({ path: "signer.config.addr", when: isClearAddress }, inClear, "https"),
  dangerous({ path: "signer.config.token", when: isWritten }, "Vault's token stands in the file", keepSecrets),
  dangerous("signer.config.insecureSkipVerify=true", noTls, "name the authority in caCert"),
  dangerous(
    { path: "staticClients[*].secret", when: (value) => isWritten(value) && value !== sampleSecret },
    "a secret stands in the file",
    "use secretEnv, and keep the secret where your platform keeps secrets",
  ),
  dangerous(
    `staticClients[*].secret=${sampleSecret}`,
    "the secret of Dex's samples: everybody knows it",
    "openssl rand -base64 32",
  ),
  dangerous(
    { path: "staticPasswords[*].hash", when: (value) => value === sampleHash },
    "the password of Dex's samples, which is password",
    "htpasswd -BnC 10 user",
  ),
  dangerous(
    { path: "staticClients[*].redirectURIs[*]", when: isClearAddress },
    "codes travel in clear to this address",
    "use https (RFC 9700 §2.6)",
  ),
  dangerous(
    { path: "staticClients[*].backchannelLogoutURI", when: isClearAddress },
    "logout tokens travel in clear",
    "https",
  ),
  ...["clientSecret", "bindPW", "keystonePassword", "applicationCredentialSecret"].map((key) =>
    dangerous({ path: `connectors[*].config.${key}`, when: isWritten }, "a secret stands in the file", keepSecrets),
  ),
  ...["issuer", "ssoURL", "tokenURL", "userInfoURL", "authorizationURL", "baseURL", "keystoneHost", "host"].map((key) =>
    dangerous({ path: `connectors[*].config.${key}`, when: isClearAddress }, inClear, "https"),
  ),
  dangerous("connectors[*].config.insecureSkipVerify=true", noTls, "name the authority in rootCAs or rootCA"),
  dangerous("connectors[openshift].config.insecureCA=true", noTls, "name the authority in rootCA"),
  dangerous("connectors[ldap].config.insecureNoSSL=true", "passwords travel in clear", "use TLS or startTLS"),
  dangerous(
    "connectors[saml*].config.insecureSkipSignatureValidation=true",
    "anybody may write an assertion about anybody",
    "give the connector the identity provider's certificate",
  ),
  dangerous(
    "connectors[saml*].config.insecureAllowSHA1=true",
    "such signatures have been forged",
    "let the provider sign with SHA-256",
  ),
  dangerous(
    "connectors[saml*].config.insecureAllowMissingRestrictions=true",
    "an assertion that was made for another service, or long ago, signs people in",
    "let the provider say audience, recipient and times",
  ),
  dangerous(
    "connectors[*].config.insecureSkipEmailVerified=true",
    "an address that nobody has proved counts as proved",
    "let the provider verify addresses, or do not use them to decide anything",
  ),
  dangerous(
    "connectors[oidc].config.insecureSkipNonce=true",
    "an ID token can be replayed into a login",
    "a provider that repeats the nonce",
  ),
  ...["insecureIgnoreOrg", "insecureIgnoreTeams", "insecureIgnoreAllowedGroups"].map((key) =>
    dangerous(
      `connectors[*].config.${key}=true`,
      "a restriction stands in the file and keeps nobody out",
      "remove one of the two",
    ),
  ),
  dangerous("connectors[*].type=mockCallback", forTrying, "remove it"),
  dangerous("connectors[*].type=mockPassword", forTrying, "remove it"),
];

function hasPublicClient(file: unknown): boolean {
  const clients = member(file, "staticClients");
  return Array.isArray(clients) && clients.some((client) => member(client, "public") === true);
}

const hasRefreshLimit = (settings: unknown): boolean =>
  ["validIfNotUsedFor", "absoluteLifetime"].some((key) => isLonger("0s")(member(settings, key)));
