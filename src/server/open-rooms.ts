import { availableParallelism } from "node:os";
import type { AdminDeps } from "../admin/contract.ts";
import type { Config } from "../config/config.ts";
import type { SessionsConfig } from "../config/read-sessions.ts";
import { openLocal } from "../connector/local/local.ts";
import { connectorTypes } from "../connector/registry.ts";
import type { Provider } from "../endpoint/provider.ts";
import { createSessionCookies, noSessionCookies, type SessionCookies } from "../endpoint/session-cookie.ts";
import type { FlowDeps } from "../flow/contract.ts";
import type { Factors } from "../flow/factor-contract.ts";
import { createLogoutCourier, type LogoutCourier } from "../flow/logout-courier.ts";
import type { SessionPolicy } from "../flow/session-contract.ts";
import type { GrantDeps } from "../grant/contract.ts";
import { grants } from "../grant/registry.ts";
import type { HttpRequest } from "../http/contract.ts";
import { type BcryptPool, createBcryptPool } from "../kernel/bcrypt-pool.ts";
import { hkdf } from "../kernel/derive.ts";
import { createHealth, type Health } from "../kernel/health.ts";
import { levels } from "../kernel/log-level.ts";
import { type Clock, noObserver } from "../kernel/ports.ts";
import { createSealer, type Sealer } from "../kernel/seal.ts";
import type { Secret } from "../kernel/secret.ts";
import { RequestTrail } from "../kernel/trail.ts";
import { createUpstreams } from "../kernel/upstream-fetch.ts";
import type { MailCourier } from "../mail/mail-courier.ts";
import type { Signer } from "../signer/contract.ts";
import type { Storage } from "../storage/contract.ts";
import { targetNames } from "../token/attempt-target.ts";
import { createAttempts } from "../token/attempts.ts";
import { type BlockedUsers, openBlockedUsers } from "../token/blocked-users.ts";
import { createLimits, keepLimiters, type OpenLimiter } from "../token/limits.ts";
import { AnsweredConnections } from "../token/replay.ts";
import { openRevocations, type Revocations } from "../token/revocations.ts";
import { openTokenVerifier } from "../token/verify-access-token.ts";
import { adminDepsOf } from "./admin-deps.ts";
import { type ConnectorPool, createConnectorPool } from "./connector-pool.ts";
import { servedGrants } from "./grant-types.ts";
import { observedFetch, observedStorage } from "./observed.ts";
import { type Accounts, accountsOf, openAccounts } from "./open-accounts.ts";
import { openSigner } from "./open-signer.ts";
import { openBareStorage, withConfigured } from "./open-storage.ts";
import { pageContextOf } from "./page-context.ts";
import { loadRootSecret } from "./root-secret.ts";
import type { RoomDeps, ServerDeps } from "./server-deps.ts";
import { tracedConnectors } from "./traced.ts";

/** Everything behind the listeners. */
export interface Rooms {
  /** Of the configuration as it is now. */
  provider(): Provider;
  readonly signer: Signer;
  readonly storage: Storage;
  readonly courier: LogoutCourier;
  readonly bcrypt: BcryptPool;
  /** Goes on with another configuration. Requests in flight end with the provider they began with. */
  change(config: Config): Promise<void>;
  /** What the gRPC API works on. */
  admin(): AdminDeps;
  /** Undefined: nothing is mailed. */
  readonly mails: MailCourier | undefined;
  close(): Promise<void>;
}

/** @throws {UnavailableError} Storage does not answer. @throws {Error} It cannot be opened or read. */
export async function openRooms(config: Config, deps: RoomDeps): Promise<Rooms> {
  const bare = await openBareStorage(config, deps, deps.workers);
  deps.logger.info("config storage", { storage_type: config.storage.type });
  try {
    return await openOn(deps.observer === noObserver ? bare : observedStorage(bare, deps.observer), config, deps);
  } catch (error) {
    await bare.close();
    throw error;
  }
}

async function openOn(stored: Storage, first: Config, deps: RoomDeps): Promise<Rooms> {
  const { clock, random, logger, observer } = deps;
  let config = first;
  let overlaid = withConfigured(stored, config);
  // What outlives a change of the configuration sees its records through this.
  const storage: Storage = {
    ...stored,
    get clients() {
      return overlaid.clients;
    },
    get passwords() {
      return overlaid.passwords;
    },
    get connectors() {
      return overlaid.connectors;
    },
  };
  const root = await loadRootSecret(storage, clock, random);
  const openFetch = observedFetch(createUpstreams(deps.env), observer);
  const closing = new AbortController();
  const signer = await openSigner(config, { ...deps, keys: storage.keys, openFetch, closing: closing.signal });
  // Half the cores for passwords: a login storm must leave the other half to everybody else.
  const threads = Math.max(1, Math.floor(availableParallelism() / 2 / (deps.workers ?? 1)));
  const bcrypt = createBcryptPool({ threads, maxQueue: 256 });
  const passwordDb = openLocal({
    // Not the collection of today: it changes with the configuration.
    passwords: { get: (email) => storage.passwords.get(email) },
    bcrypt,
  });
  const connectors = createConnectorPool({
    storage,
    types: connectorTypes,
    local: () => (config.enablePasswordDB ? passwordDb : undefined),
    isStatic: false,
    continueOnFailure: config.flags.DEX_CONTINUE_ON_CONNECTOR_FAILURE,
    clock,
    random,
    logger,
    openFetch,
    observer,
    trustedProxies: () => config.web.clientRemoteIP.trustedProxies,
  });
  const sealer = createSealer(root);
  let accounts: Accounts;
  try {
    accounts = await openAccounts(config, { ...deps, storage, sealer });
    await openConnectors(connectors, config, deps);
  } catch (error) {
    closing.abort();
    await connectors.close();
    await bcrypt.close();
    throw error;
  }
  const courier = createLogoutCourier({
    storage,
    mint: { issuer: config.issuer, signer, clock, random },
    fetch: openFetch({ deadline: 5_000, maxBody: 64 * 1024 }, { dependency: "clients", closing: closing.signal }),
    clock,
    logger,
  });
  const parts = {
    ...deps,
    root,
    sealer,
    signer,
    connectors,
    courier,
    bcrypt,
    accounts,
    memory: openMemory(storage, clock),
  };
  let provider = buildProvider(config, { ...parts, storage: overlaid });
  let admin = adminDepsOf(config, provider, bcrypt);
  return {
    provider: () => provider,
    admin: () => admin,
    signer,
    storage,
    courier,
    mails: accounts.mails,
    bcrypt,
    async change(next) {
      config = next;
      overlaid = withConfigured(stored, config);
      provider = buildProvider(config, { ...parts, storage: overlaid });
      admin = adminDepsOf(config, provider, bcrypt);
      // Those whose record is the same stay open.
      await connectors.reread();
    },
    async close() {
      await accounts.close();
      closing.abort();
      await connectors.close();
      await bcrypt.close();
      await storage.close();
    },
  };
}

/** What this process remembers beside the storage, whatever the configuration becomes. */
interface Memory {
  readonly revocations: Revocations;
  readonly blockedUsers: BlockedUsers;
  readonly answered: AnsweredConnections;
  readonly limiter: OpenLimiter;
  readonly health: Health;
}

function openMemory(storage: Storage, clock: Clock): Memory {
  return {
    revocations: openRevocations(storage, clock),
    blockedUsers: openBlockedUsers(storage.userIdentities, clock),
    answered: new AnsweredConnections(),
    limiter: keepLimiters(clock),
    health: createHealth((signal) => storage.ping(signal), clock),
  };
}

/** A server without any connector can sign nobody in. Nobody waits for a slow upstream, unless the start depends on it. */
async function openConnectors(
  connectors: ConnectorPool,
  config: Config,
  { logger, signal }: ServerDeps,
): Promise<void> {
  const opened = connectors.openAll(signal);
  if (!config.flags.DEX_CONTINUE_ON_CONNECTOR_FAILURE || (await connectors.list()).length === 0) return opened;
  opened.catch((error: unknown) => logger.error("connectors were not opened", {}, error));
}

interface Parts extends RoomDeps {
  readonly memory: Memory;
  readonly storage: Storage;
  readonly root: Secret<Uint8Array>;
  readonly signer: Signer;
  readonly connectors: ConnectorPool;
  readonly courier: LogoutCourier;
  readonly sealer: Sealer;
  readonly bcrypt: BcryptPool;
  readonly accounts: Accounts;
}

function buildProvider(config: Config, parts: Parts): Provider {
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
