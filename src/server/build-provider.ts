import type { Config } from "../config/config.ts";
import type { SessionsConfig } from "../config/read-sessions.ts";
import type { Connectors } from "../connector/contract.ts";
import type { Provider } from "../endpoint/provider.ts";
import { createSessionCookies, noSessionCookies, type SessionCookies } from "../endpoint/session-cookie.ts";
import type { FlowDeps } from "../flow/contract.ts";
import type { Factors } from "../flow/factor-contract.ts";
import type { LogoutCourier } from "../flow/logout-courier.ts";
import type { SessionPolicy } from "../flow/session-contract.ts";
import type { GrantDeps } from "../grant/contract.ts";
import { grants } from "../grant/registry.ts";
import type { HttpRequest } from "../http/contract.ts";
import type { BcryptPool } from "../kernel/bcrypt-pool.ts";
import { hkdf } from "../kernel/derive.ts";
import type { Health } from "../kernel/health.ts";
import { levels } from "../kernel/log-level.ts";
import { noObserver } from "../kernel/ports.ts";
import type { Sealer } from "../kernel/seal.ts";
import type { Secret } from "../kernel/secret.ts";
import { RequestTrail } from "../kernel/trail.ts";
import type { Signer } from "../signer/contract.ts";
import type { Storage } from "../storage/contract.ts";
import { targetNames } from "../token/attempt-target.ts";
import { createAttempts } from "../token/attempts.ts";
import type { BlockedUsers } from "../token/blocked-users.ts";
import { createLimits, type OpenLimiter } from "../token/limits.ts";
import type { AnsweredConnections } from "../token/replay.ts";
import type { Revocations } from "../token/revocations.ts";
import { openTokenVerifier } from "../token/verify-access-token.ts";
import { servedGrants } from "./grant-types.ts";
import { type Accounts, accountsOf } from "./open-accounts.ts";
import { pageContextOf } from "./page-context.ts";
import type { RoomDeps } from "./server-deps.ts";
import { tracedConnectors } from "./traced.ts";

/** What this process remembers beside the storage, whatever the configuration becomes. */
export interface Memory {
  readonly revocations: Revocations;
  readonly blockedUsers: BlockedUsers;
  readonly answered: AnsweredConnections;
  readonly limiter: OpenLimiter;
  readonly health: Health;
}

/** What is open, and outlives a change of the configuration. */
export interface Parts extends RoomDeps {
  readonly memory: Memory;
  readonly storage: Storage;
  readonly root: Secret<Uint8Array>;
  readonly signer: Signer;
  readonly connectors: Connectors;
  readonly courier: LogoutCourier;
  readonly sealer: Sealer;
  readonly bcrypt: BcryptPool;
  readonly accounts: Accounts;
}

/** What the endpoints work with, as `config` wants it. */
export function buildProvider(config: Config, parts: Parts): Provider {
  const { storage, root, signer, connectors, courier, memory, observer, clock, random, logger } = parts;
  const { revocations, blockedUsers } = memory;
  const { oauth2, expiry, sessions } = config;
  const mint = { issuer: config.issuer, signer, clock, random, lifetime: expiry.idTokens };
  const codeKey = hkdf(root.reveal(), "code");
  const refreshKey = hkdf(root.reveal(), "refresh");
  const factors = factorsOf(config);
  const traced = tracedConnectors(connectors);
  const limits = createLimits(
    {
      attemptsPerAddress: config.lockout.attemptsPerAddress,
      signupsPerHour: config.signup.maxPerHour,
      guessesAreUnlimited: config.lockout.disabled,
    },
    memory.limiter,
  );
  const attempts = createAttempts({
    policy: config.lockout,
    storage,
    addresses: limits.logins,
    names: targetNames(hkdf(root.reveal(), "attempts"), parts.sealer),
    clock,
  });
  const flow: FlowDeps = {
    policy: {
      issuer: config.issuer,
      issuerPath: config.issuerPath,
      responseTypes: oauth2.responseTypes,
      grantTypes: oauth2.grantTypes,
      skipApprovalScreen: oauth2.skipApprovalScreen,
      alwaysShowLoginScreen: oauth2.alwaysShowLoginScreen,
      loginHintDomains: new Map(
        Object.entries(oauth2.loginHintDomains).map(([domain, id]) => [domain.toLowerCase(), id]),
      ),
      enforcePkce: oauth2.pkce.enforce,
      codeChallengeMethods: oauth2.pkce.codeChallengeMethodsSupported,
      requestLifetime: expiry.authRequests,
    },
    storage,
    connectors: traced,
    sealer: parts.sealer,
    mint,
    sessions: sessions && sessionPolicy(sessions, root),
    blockedUsers,
    factors,
    recoveryKey: hkdf(root.reveal(), "recovery-code"),
    tellClients: courier.tell,
    revocations,
    refreshKey,
    codeKey,
    clock,
    random,
  };
  const grant: GrantDeps = {
    storage,
    connectors: traced,
    mint,
    codeKey,
    refreshKey,
    blockedUsers,
    factors,
    attempts,
    hasSessions: sessions !== undefined,
    refreshPolicy: expiry.refreshTokens,
    requestLifetime: expiry.authRequests,
    deviceLifetime: expiry.deviceRequests,
    answered: memory.answered,
    revocations,
    ...(oauth2.passwordConnector === undefined ? {} : { passwordConnector: oauth2.passwordConnector }),
    clock,
    random,
  };
  const served = servedGrants(grants, oauth2.grantTypes, oauth2.responseTypes);
  const trails = new WeakMap<HttpRequest, RequestTrail>();
  return {
    flow,
    grant,
    account: config.enablePasswordDB ? accountsOf(config, parts, flow, { attempts, limits }) : undefined,
    grants: served.grants,
    grantTypes: served.listed,
    health: memory.health,
    attempts,
    limits,
    isIntrospectionOpen: oauth2.anonymousIntrospection,
    clientSecretKey: hkdf(root.reveal(), "client-secret"),
    verifyToken: openTokenVerifier({
      issuer: config.issuer,
      signer,
      revocations,
      blockedUsers,
      sessions: sessions && storage,
      clock,
    }),
    sessionCookies: sessions === undefined ? noSessionCookies : sessionCookiesOf(sessions, config.issuer),
    signer,
    keysMaxAge: keysMaxAge(config),
    storage,
    clock,
    random,
    logger,
    trail(request) {
      const known = trails.get(request);
      if (known !== undefined) return known;
      const trail = new RequestTrail(
        () => request.logger,
        config.logger.level <= levels.debug,
        observer === noObserver ? undefined : (decision) => observer.decided(decision, request),
      );
      trails.set(request, trail);
      return trail;
    },
    page: ({ path, traceId, headers, uiLocales }) =>
      pageContextOf(config, { path, traceId, acceptLanguage: headers["accept-language"], uiLocales }),
  };
}

const factorsOf = ({ mfa, issuer }: Config): Factors => ({
  // Dex starts without the name, and fails when the first person sets the factor up.
  authenticators: mfa.authenticators.map((factor) =>
    factor.type === "TOTP" && factor.issuer === "" ? { ...factor, issuer: new URL(issuer).host } : factor,
  ),
  defaultChain: mfa.defaultMFAChain,
  trustedConnectors: mfa.trustedConnectors,
  isAskedEveryTime: mfa.askEveryTime,
});

const sessionPolicy = (sessions: SessionsConfig, root: Secret<Uint8Array>): SessionPolicy => ({
  absoluteLifetime: sessions.absoluteLifetime,
  validIfNotUsedFor: sessions.validIfNotUsedFor,
  rememberMeByDefault: sessions.rememberMeCheckedByDefault,
  ssoSharedWithDefault: sessions.ssoSharedWithDefault,
  secretKey: hkdf(root.reveal(), "session"),
});

const sessionCookiesOf = (
  { cookieName, absoluteLifetime, cookieEncryptionKey, checkSessionIframe }: SessionsConfig,
  issuer: string,
): SessionCookies =>
  createSessionCookies({
    name: cookieName,
    issuer,
    absoluteLifetime,
    hasStateFrame: checkSessionIframe,
    ...(cookieEncryptionKey === undefined ? {} : { encryptionKey: cookieEncryptionKey }),
  });

/** compat(dex): ten minutes, but less where keys rotate so fast that a copy could miss the next one. */
function keysMaxAge({ signer }: Config): number {
  return signer.type === "local" && signer.keysRotationPeriod > 0
    ? Math.max(1, Math.min(600, Math.floor(signer.keysRotationPeriod / 2000)))
    : 600;
}
