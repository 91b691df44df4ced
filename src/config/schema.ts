import { z } from "zod";
import {
  duration,
  flag,
  integer,
  optionalFlag,
  optionalTexts,
  secretText,
  text,
  texts,
  typedBlock,
} from "./vocabulary.ts";

/** Every key of the configuration file. Names are Dex's, letter for letter; any case of them is read. */

const tlsVersions = ["1.2", "1.3"];
const tlsVersion = (which: string, fallback: string) =>
  text(`The ${which} TLS version, quoted; ${fallback} when empty.`, tlsVersions);

const webSchema = z.object({
  http: text("Address to serve plain HTTP on, `host:port`. No host means every interface, port 0 any free one."),
  https: text("Address to serve HTTPS on, `host:port`. May stand beside `http`."),
  tlsCert: text("PEM file with the HTTPS certificate and its chain."),
  tlsKey: text("PEM file with that certificate's private key: PKCS#1, PKCS#8 or SEC1."),
  tlsMinVersion: tlsVersion("lowest", "1.2"),
  tlsMaxVersion: tlsVersion("highest", "the newest supported"),
  headers: z
    .object({
      "Content-Security-Policy": text("Sent as it is with every answer."),
      "X-Frame-Options": text("Sent as it is with every answer."),
      "X-Content-Type-Options": text("Sent as it is with every answer."),
      "X-XSS-Protection": text("Sent as it is with every answer."),
      "Strict-Transport-Security": text("Sent as it is with every answer, also over plain HTTP."),
    })
    .prefault({})
    .meta({ description: "Security headers of every answer." }),
  allowedOrigins: texts("Origins that scripts may call us from (CORS), exact or `*`. Empty turns CORS off."),
  allowedHeaders: texts("Request headers such scripts may send; `Authorization` alone when empty."),
  clientRemoteIP: z
    .object({
      header: text("Header in which a trusted proxy names the client's address, `X-Forwarded-For`."),
      trustedProxies: texts(
        "Address ranges whose word in that header counts, `10.0.0.0/8`. Without any it is ignored.",
      ),
    })
    .prefault({})
    .meta({ description: "Where the client's address comes from behind a proxy." }),
  workers: integer(
    "Threads that serve the same addresses. 0: one for each core, as far as there are 128 MiB of memory and one of `maxOpenConns` for each; one with `memory` and `sqlite3`. Not in Dex.",
    0,
    256,
  ),
  shutdownDelay: duration(
    "How long we go on serving after a signal to stop, while readiness already says no. Zero: not at all. Not in Dex.",
  ),
});

const telemetrySchema = z.object({
  http: text("Address to serve metrics and health on, `host:port`; off when empty. No authentication."),
  enableProfiling: flag("Whether profiles are served there too."),
  traces: z
    .object({
      endpoint: text(
        "Address that takes traces by OTLP over HTTP, `http://collector:4318/v1/traces`. When empty, that of `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` or `OTEL_EXPORTER_OTLP_ENDPOINT`; without any there are no traces.",
      ),
      headers: secretText(
        "Headers for it, `name=value,name=value`. This, `headersEnv` or `OTEL_EXPORTER_OTLP_HEADERS`.",
      ),
      headersEnv: text("Environment variable that holds the headers."),
      sampleRatio: z.number().min(0).max(1).optional().meta({
        description: "Which part of the traces that begin here is sent, 0 to 1; all when absent.",
      }),
      serviceName: text("What this service is called in them; `OTEL_SERVICE_NAME` or `dex` when empty."),
    })
    .prefault({})
    .meta({ description: "Traces by OpenTelemetry. Not in Dex." }),
});

const grpcSchema = z.object({
  addr: text("Address to serve the gRPC API on, `host:port`; off when empty."),
  tlsCert: text("PEM file with the certificate of the API."),
  tlsKey: text("PEM file with that certificate's private key."),
  tlsClientCA: text("PEM file with the authorities of client certificates, which are then required."),
  tlsMinVersion: tlsVersion("lowest", "1.2"),
  tlsMaxVersion: tlsVersion("highest", "the newest supported"),
  reflection: flag("Whether the API describes itself (gRPC reflection)."),
});

const oauth2Schema = z.object({
  grantTypes: texts("Grants to offer, by `grant_type`. Empty: all but `client_credentials`."),
  responseTypes: texts("Response types to offer, `code` when empty. The order of words inside one counts."),
  skipApprovalScreen: flag("Whether people are spared the question if a client may have their data."),
  alwaysShowLoginScreen: flag("Whether the choice of connectors is shown even when there is only one."),
  loginHintDomains: z.record(z.string(), z.string()).default({}).meta({
    description:
      "Connector ids by domain: a `login_hint` with an email address of that domain goes there without the choice. Not in Dex.",
  }),
  passwordConnector: text("Id of the connector that checks the password grant; the grant is off when empty."),
  anonymousIntrospection: flag(
    "Whether anybody may ask `/token/introspect` about a token, as in Dex. Ours: clients prove themselves otherwise.",
  ),
  pkce: z
    .object({
      enforce: flag("Whether every authorization code flow must use PKCE (RFC 7636)."),
      codeChallengeMethodsSupported: texts("`S256`, `plain`; both when empty."),
    })
    .prefault({})
    .meta({ description: "Proof Key for Code Exchange, RFC 7636." }),
});

const expirySchema = z.object({
  signingKeys: duration("Deprecated; use `signer.config.keysRotationPeriod`."),
  idTokens: duration("How long ID and access tokens are valid; 24h when absent or zero."),
  authRequests: duration("How long a person may take to log in; 24h when absent or zero."),
  deviceRequests: duration("How long a device waits for its person (RFC 8628); 5m when absent or zero."),
  refreshTokens: z
    .object({
      disableRotation: flag("Whether a refresh token stays the same when it is used."),
      reuseInterval: duration("How long a rotated token may still be used, for lost answers. Zero: not at all."),
      absoluteLifetime: duration("How long a refresh token lives however often it is used. Zero: for ever."),
      validIfNotUsedFor: duration("How long a refresh token lives unused. Zero: for ever."),
    })
    .prefault({})
    .meta({ description: "Refresh tokens, RFC 6749 §6." }),
});

const clientSchema = z.object({
  id: text("The `client_id`. This or `idEnv`."),
  idEnv: text("Environment variable that holds the `client_id`."),
  secret: secretText("The `client_secret`, in clear. This or `secretEnv`, unless the client is public."),
  secretEnv: text("Environment variable that holds the `client_secret`."),
  name: text("What people read the client is called. Required."),
  redirectURIs: texts("Where answers may be sent. Exact."),
  postLogoutRedirectURIs: texts("Where people may be sent after logout. Exact."),
  backchannelLogoutURI: text("Where the client is told of a logout (OIDC Back-Channel Logout)."),
  frontchannelLogoutURI: text(
    "Address of the client that the browser loads in a hidden frame at logout (OIDC Front-Channel Logout). Not in Dex.",
  ),
  refreshTokenLifetime: text("Whether refresh tokens end with the session they came from.", ["standalone", "session"]),
  trustedPeers: texts("Ids of clients that may ask for tokens in this client's name."),
  public: flag("Whether the client can keep no secret: a program on a person's own machine."),
  logoURL: text("Picture of the client."),
  allowedConnectors: texts("Ids of the connectors people may log in to this client with. Empty: all."),
  mfaChain: optionalTexts(
    "Ids of the second factors to ask for, in order. Absent: `mfa.defaultMFAChain`; empty: none.",
  ),
  ssoSharedWith: optionalTexts(
    "Ids of clients that may reuse a login to this client, or `*`. Absent: `sessions.ssoSharedWithDefault`; empty: none.",
  ),
  clientCredentialsClaims: z
    .object({ groups: texts("The `groups` claim of tokens for the client itself.") })
    .prefault({})
    .meta({ description: "Claims of tokens from the client_credentials grant." }),
});

const passwordSchema = z.object({
  email: text("The person's email address, and the name to log in with, in any case."),
  username: text("The `name` claim where `name` is empty."),
  name: text("The `name` claim."),
  preferredUsername: text("The `preferred_username` claim."),
  emailVerified: optionalFlag("The `email_verified` claim; true when absent."),
  userID: text("What the `sub` claim is made from. Should be unique and never change."),
  hash: secretText("The bcrypt hash of the password, or base64 of it."),
  hashFromEnv: text("Environment variable that holds the hash, where `hash` is empty."),
  groups: texts("The `groups` claim."),
});

const connectorSchema = z.object({
  type: text("The kind of upstream, `ldap`, `github`, `oidc`. Required; case counts."),
  id: text("Short name, part of login addresses and of the `sub` claim. Required; never change it."),
  name: text("What people read on its button. Required."),
  config: typedBlock("Its settings, by type. `$VAR` in them is replaced from the environment."),
  grantTypes: texts("Grants that may use this connector. Empty: all."),
});

const sessionsSchema = z.object({
  cookieName: text("Name of the session cookie; `dex_session` when empty."),
  absoluteLifetime: duration("How long a session lives however often it is used; 24h when absent."),
  validIfNotUsedFor: duration("How long a session lives unused; 1h when absent."),
  rememberMeCheckedByDefault: optionalFlag('Whether "remember me" is ticked to begin with; true when absent.'),
  cookieEncryptionKey: secretText(
    "16, 24 or 32 bytes of text that encrypt the cookie (AES); no encryption when empty.",
  ),
  checkSessionIframe: optionalFlag(
    "Whether applications may ask by a frame if the login is still there (OIDC Session Management); off when absent. Not in Dex.",
  ),
  ssoSharedWithDefault: text("Whether clients share sessions unless they say otherwise; `none` when empty.", [
    "none",
    "all",
  ]),
});

const authenticatorSchema = z.object({
  id: text("Name of the factor in chains and in stored enrolments. Required, unique."),
  type: text("`TOTP` (RFC 6238) or `WebAuthn`.", ["TOTP", "WebAuthn"]),
  config: typedBlock("Its settings, by type."),
  connectorTypes: texts("Connector types whose people are asked for it. Empty: all."),
});

export const totpSchema = z.object({
  issuer: text("What an authenticator app calls us; the issuer's host when empty."),
});

export const webauthnSchema = z.object({
  rpDisplayName: text("What a browser calls us; `rpID` when empty."),
  rpID: text("The domain credentials belong to; the issuer's host name when empty."),
  rpOrigins: texts("Origins of our pages; the issuer's when empty."),
  attestationPreference: text("How much to learn of the device; `indirect` when empty.", [
    "none",
    "indirect",
    "direct",
  ]),
  userVerification: text("Whether the device must recognise its person.", ["required", "preferred", "discouraged"]),
  authenticatorAttachment: text("Whether the device is built in.", ["platform", "cross-platform"]),
  timeout: duration("How long the person may take; the browser's own hint of 300s when absent."),
  firstFactor: flag(
    "Whether people of the password database sign in with a passkey in place of a password; it then stands for every second factor. Not in Dex.",
  ),
});

const lockoutSchema = z.object({
  disabled: flag("Whether guesses are not limited at all, as in Dex."),
  attempts: integer("Wrong passwords or codes of one account before it waits; 5 when absent or zero.", 0, 1000),
  firstLock: duration("How long it waits then; each further wrong one doubles it. 30s when absent."),
  longestLock: duration("The longest wait; 15m when absent."),
  attemptsPerAddress: integer(
    "Wrong ones of one network (an IPv4 address, the first 64 bits of an IPv6 one) within five minutes, whatever the account; 100 when absent or zero.",
    0,
    1_000_000,
  ),
});

const signupSchema = z.object({
  breachedPasswords: text(
    "File of passwords that nobody may choose: one a line, or SHA-1 hashes or their beginnings in hexadecimal, sorted bytewise (`LC_ALL=C sort`). Read a few lines at a time.",
  ),
  assumeEmailVerified: flag(
    "Whether a new account's `email_verified` is true though nobody has checked the address. Not together with `mail`.",
  ),
  maxPerHour: z
    .int()
    .min(0)
    .default(0)
    .meta({ description: "Accounts that one client address may try to make in an hour; 20 when absent or zero." }),
});

const mailSchema = z.object({
  from: text("Sender of our mails: `no-reply@example.com` or `Example <no-reply@example.com>`. Required."),
  host: text("Name of the SMTP server. Required."),
  port: z
    .int()
    .min(0)
    .max(65535)
    .default(0)
    .meta({ description: "Its port; 587 when absent or zero, 465 with `tls: implicit`." }),
  tls: text("`starttls` when empty: refused if the server cannot. `none` is for a relay on this machine.", [
    "starttls",
    "implicit",
    "none",
  ]),
  rootCA: text("PEM file with the authorities of its certificate; the system's when empty."),
  username: text("Whom to log in as; no login when empty."),
  password: secretText("The password for it. This or `passwordEnv`."),
  passwordEnv: text("Environment variable that holds the password."),
});

export const fileSchema = z.object({
  issuer: text(
    "The address of this server as the world knows it, and the `iss` claim. Its path prefixes every route. Required.",
  ),
  storage: z
    .object({
      type: text("Where records are kept."),
      config: typedBlock("Settings of that storage. `$VAR` in them is replaced from the environment."),
    })
    .nullable()
    .optional()
    .meta({ description: "Where records are kept. Required." }),
  web: webSchema.prefault({}).meta({ description: "The addresses people and clients use." }),
  telemetry: telemetrySchema.prefault({}).meta({ description: "Metrics and health." }),
  grpc: grpcSchema.prefault({}).meta({ description: "The administration API." }),
  oauth2: oauth2Schema.prefault({}).meta({ description: "What the protocol offers." }),
  expiry: expirySchema
    .prefault({})
    .meta({ description: "How long things live. Durations as Go writes them: `1h30m`." }),
  signer: z
    .object({
      type: text("Who keeps the signing keys.", ["local", "vault"]),
      config: typedBlock("Settings of that signer. `$VAR` in them is replaced from the environment."),
    })
    .nullable()
    .optional()
    .meta({ description: "Who signs tokens; keys in our storage, RS256, new every 6h, when absent." }),
  logger: z
    .object({
      level: z
        .string()
        .nullable()
        .optional()
        .meta({ description: "`DEBUG`, `INFO`, `WARN`, `ERROR`, any case, with an offset if need be: `INFO+2`." }),
      format: text("`text` or `json`."),
      excludeFields: texts("Log fields to leave out, such as `email`."),
      auditFile: text("File that audit events are added to, or `stdout`; none when empty. Not in Dex."),
      trailFile: text(
        "File with the decisions of the latest requests, for `dex explain`; none when empty. Not in Dex.",
      ),
    })
    .prefault({})
    .meta({ description: "The log, on standard error." }),
  frontend: z
    .object({
      dir: text("Folder with templates, themes and static files; built-in ones when empty, or `DEX_FRONTEND_DIR`."),
      theme: text("Name of the theme; `light` when empty."),
      issuer: text("What pages call us; `dex` when empty."),
      logoURL: text("Picture on the pages; `theme/logo.png` when empty."),
      extra: z.record(z.string(), z.string()).default({}).meta({ description: "Values for templates of your own." }),
      webFS: z.null().optional().meta({ description: "Not for files." }),
    })
    .prefault({})
    .meta({ description: "How the pages look." }),
  staticClients: z
    .array(clientSchema)
    .default([])
    .meta({ description: "Clients that stand in this file. They win over stored ones." }),
  enablePasswordDB: flag("Whether people may log in with an email address and a password kept here."),
  enableSignup: flag("Whether people may make themselves an account in that database, at `/signup`."),
  signup: signupSchema.prefault({}).meta({ description: "How accounts are made. Not in Dex." }),
  mail: mailSchema.optional().meta({
    description:
      "The server that sends our mails: confirmation of addresses, forgotten passwords, notices. Not in Dex; nothing is mailed when absent.",
  }),
  staticPasswords: z
    .array(passwordSchema)
    .default([])
    .meta({ description: "People that stand in this file. They win over stored ones." }),
  connectors: z.array(connectorSchema).default([]).meta({ description: "Where people come from." }),
  sessions: sessionsSchema.optional().meta({ description: "Sessions, single sign-on and logout." }),
  lockout: lockoutSchema
    .prefault({})
    .meta({ description: "What guessing costs: passwords, codes, client secrets. Not in Dex." }),
  mfa: z
    .object({
      authenticators: z.array(authenticatorSchema).default([]).meta({ description: "Second factors there are." }),
      defaultMFAChain: texts("Ids of the factors for clients without a chain of their own, in order."),
      trustedConnectors: texts(
        "Ids of connectors whose `amr` counts: people whose upstream says `mfa` are asked for no factor here. Not in Dex.",
      ),
      askEveryTime: flag(
        "Whether every request asks for its factors again, as in Dex. Ours: a session remembers what was proved in it.",
      ),
    })
    .prefault({})
    .meta({ description: "Second factors." }),
});

/** The file in its own words: every key present, nothing checked but types. */
export type ConfigFile = z.output<typeof fileSchema>;

/** `signer.config` of each signer type. */
export const signerSchemas = {
  local: z.object({
    keysRotationPeriod: duration("How long a key signs. Required."),
    algorithm: text("`RS256` when empty.", ["RS256", "ES256", "EdDSA"]),
  }),
  vault: z.object({
    addr: text("Address of the vault; `VAULT_ADDR` when empty."),
    token: secretText("Token to call it with; `VAULT_TOKEN` when empty and there is no other login."),
    tokenFile: text("File with the token, read again when it changes, such as an agent's sink."),
    keyName: text("Name of the key in its Transit engine. Required."),
    mount: z.string().default("transit").meta({ description: "Where the Transit engine is mounted." }),
    namespace: text("Namespace of all that; `VAULT_NAMESPACE` when empty."),
    kubernetes: z
      .object({
        role: text("Role to log in with the pod's service account."),
        mount: z.string().default("kubernetes").meta({ description: "Where that login is mounted, below `auth/`." }),
        tokenFile: z
          .string()
          .default("/var/run/secrets/kubernetes.io/serviceaccount/token")
          .meta({ description: "File with the service account's token, read at every login." }),
      })
      .prefault({})
      .meta({ description: "Logs in as a pod of Kubernetes." }),
    appRole: z
      .object({
        roleID: text("Role ID to log in with."),
        secretID: secretText("Secret ID of the role."),
        secretIDFile: text("File with the secret ID, read at every login."),
        mount: z.string().default("approle").meta({ description: "Where that login is mounted, below `auth/`." }),
      })
      .prefault({})
      .meta({ description: "Logs in as an AppRole." }),
    caCert: text("PEM file with the authorities to trust instead of the system's; `VAULT_CACERT` when empty."),
    clientCert: text("PEM file with a client certificate; `VAULT_CLIENT_CERT` when empty."),
    clientKey: text("PEM file with its private key; `VAULT_CLIENT_KEY` when empty."),
    tlsServerName: text(
      "The name that Vault's certificate must carry, if not the address's; `VAULT_TLS_SERVER_NAME` when empty.",
    ),
    insecureSkipVerify: flag("Trusts any certificate; also by `VAULT_SKIP_VERIFY`. For trying things out."),
    timeout: duration("The longest that one call may take; `VAULT_CLIENT_TIMEOUT`, or 5s, when absent."),
  }),
} as const;
