import { stringify } from "yaml";
import { formatDuration } from "../kernel/duration.ts";
import { levelName } from "../kernel/log-level.ts";
import { Secret } from "../kernel/secret.ts";
import type { Client, Password } from "../storage/records.ts";
import type { Config } from "./config.ts";
import type { ExpiryConfig } from "./read-expiry.ts";
import type { AuthenticatorConfig } from "./read-mfa.ts";
import type { TracesConfig } from "./read-traces.ts";

const mask = "***";

/**
 * The configuration as it takes effect: a YAML file with Dex's keys, defaults filled in, always in the same
 * order, and every secret masked. For reading and comparing; the masks keep it from being served.
 */
export function printConfig(config: Config): string {
  // Words that YAML 1.1 has a meaning for (`no`, `017`) come out quoted.
  return stringify(masked(effective(config)), { version: "1.1", lineWidth: 0, aliasDuplicateObjects: false });
}

function effective(config: Config): object {
  const { storage, web, telemetry, grpc, oauth2, signer, logger, frontend, sessions, mfa, lockout } = config;
  return {
    issuer: config.issuer,
    storage,
    web: {
      ...web,
      clientRemoteIP: {
        ...web.clientRemoteIP,
        trustedProxies: web.clientRemoteIP.trustedProxies.map(({ address, prefix }) => `${address}/${prefix}`),
      },
    },
    telemetry: { ...telemetry, ...(telemetry.traces === undefined ? {} : { traces: printedTraces(telemetry.traces) }) },
    grpc,
    oauth2,
    expiry: printedExpiry(config.expiry),
    signer: printedSigner(signer),
    logger: { ...logger, level: levelName(logger.level) },
    frontend,
    staticClients: config.staticClients.map(printedClient),
    enablePasswordDB: config.enablePasswordDB,
    staticPasswords: config.staticPasswords.map(printedPassword),
    enableSignup: config.signup.isEnabled,
    signup: printedSignup(config.signup),
    ...(config.mail === undefined ? {} : { mail: printedMail(config.mail) }),
    connectors: config.connectors.map(({ type, id, name, grantTypes, config: settings }) => ({
      type,
      id,
      name,
      grantTypes,
      config: maskedSettings(settings),
    })),
    ...(sessions === undefined
      ? {}
      : {
          sessions: {
            ...sessions,
            absoluteLifetime: formatDuration(sessions.absoluteLifetime),
            validIfNotUsedFor: formatDuration(sessions.validIfNotUsedFor),
          },
        }),
    mfa: {
      authenticators: mfa.authenticators.map(printedAuthenticator),
      defaultMFAChain: mfa.defaultMFAChain,
      trustedConnectors: mfa.trustedConnectors,
      askEveryTime: mfa.askEveryTime,
    },
    lockout: {
      ...lockout,
      firstLock: formatDuration(lockout.firstLock),
      longestLock: formatDuration(lockout.longestLock),
    },
  };
}

const printedExpiry = ({ idTokens, authRequests, deviceRequests, refreshTokens }: ExpiryConfig): object => ({
  idTokens: formatDuration(idTokens),
  authRequests: formatDuration(authRequests),
  deviceRequests: formatDuration(deviceRequests),
  refreshTokens: {
    disableRotation: refreshTokens.disableRotation,
    reuseInterval: formatDuration(refreshTokens.reuseInterval),
    absoluteLifetime: formatDuration(refreshTokens.absoluteLifetime),
    validIfNotUsedFor: formatDuration(refreshTokens.validIfNotUsedFor),
  },
});

const printedTraces = ({ endpoint, headers, sampleRatio, serviceName }: TracesConfig): object => ({
  endpoint,
  headers: Object.keys(headers.reveal())
    .map((name) => `${name}=${mask}`)
    .join(),
  sampleRatio,
  serviceName,
});

function printedSigner(signer: Config["signer"]): object {
  const { type, ...config } = signer;
  if (signer.type === "vault") return { type, config: { ...config, timeout: formatDuration(signer.timeout) } };
  return { type, config: { ...config, keysRotationPeriod: formatDuration(signer.keysRotationPeriod) } };
}

const printedSignup = ({ isEnabled: _, ...signup }: Config["signup"]): object => signup;

const printedMail = ({ from, ...mail }: NonNullable<Config["mail"]>): object => ({
  from: from.name === "" ? from.address : `${from.name} <${from.address}>`,
  ...mail,
});

const printedClient = (client: Client): object => ({
  id: client.id,
  ...(client.secret.reveal() === "" ? {} : { secret: client.secret }),
  name: client.name,
  public: client.public,
  redirectURIs: client.redirectUris,
  postLogoutRedirectURIs: client.postLogoutRedirectUris,
  backchannelLogoutURI: client.backchannelLogoutUri,
  frontchannelLogoutURI: client.frontchannelLogoutUri ?? "",
  refreshTokenLifetime: client.refreshTokenLifetime || "standalone",
  trustedPeers: client.trustedPeers,
  logoURL: client.logoUrl,
  allowedConnectors: client.allowedConnectors,
  ...(client.mfaChain === undefined ? {} : { mfaChain: client.mfaChain }),
  ...(client.ssoSharedWith === undefined ? {} : { ssoSharedWith: client.ssoSharedWith }),
  clientCredentialsClaims: { groups: client.clientCredentialsGroups },
});

const printedPassword = ({
  email,
  hash,
  username,
  name,
  preferredUsername,
  emailVerified,
  userId,
  groups,
}: Password): object => ({
  email,
  hash,
  username,
  name,
  preferredUsername,
  emailVerified: emailVerified ?? true,
  userID: userId,
  groups,
});

function printedAuthenticator(authenticator: AuthenticatorConfig): object {
  const { id, type, connectorTypes, ...config } = authenticator;
  const timeout =
    authenticator.type === "WebAuthn" && authenticator.timeout !== undefined
      ? { timeout: formatDuration(authenticator.timeout) }
      : {};
  return { id, type, connectorTypes, config: { ...config, ...timeout } };
}

/** Secrets that bring their own type, and passwords inside addresses. */
function masked(value: unknown): unknown {
  if (value instanceof Secret) return mask;
  if (typeof value === "string") return withoutPassword(value);
  if (Array.isArray(value)) return value.map(masked);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, masked(inner)]));
}

/** Names of secrets. A connector's settings are plain data and bring no {@link Secret}; not every type is known here. */
const secretName = /secret|passw|pw$|token$|private|credential|api_?key|hash$/i;

function maskedSettings(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(maskedSettings);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      const isSecret = secretName.test(name) && inner !== "" && inner !== null && typeof inner !== "boolean";
      return [name, isSecret ? mask : maskedSettings(inner)];
    }),
  );
}

/** `https://me:secret@host?pass=secret` without the secrets. The last `@` counts: a careless password holds `@` and `/`. */
const withoutPassword = (text: string): string =>
  text
    .replace(/(:\/\/[^/?#\s:]*:)\S+@/g, `$1${mask}@`)
    .replace(/([?&][^=&\s]*(?:pass|secret|token|key)[^=&\s]*=)[^&\s]+/gi, `$1${mask}`);
