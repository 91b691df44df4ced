import { z } from "zod";
import { Secret } from "../../kernel/secret.ts";
import { challengeOf } from "../../oauth/pkce.ts";
import {
  type ConnectorDeps,
  defineConnector,
  type Identity,
  type Login,
  type LoginResult,
  type Wishes,
} from "../contract.ts";
import { authorizationUrl, newVerifier, redirectFor } from "../shared/authorization-url.ts";
import type { Claims } from "../shared/claims.ts";
import { diagnoseClient } from "../shared/diagnose-client.ts";
import { filterGroups } from "../shared/filter-groups.ts";
import { keepOut } from "../shared/keep-out.ts";
import { InvalidTokenError } from "../shared/key-set.ts";
import { readCallback } from "../shared/read-callback.ts";
import { refreshOnce } from "../shared/rotating-refresh.ts";
import { createTokenClient, type TokenClient, TokenRefusal, type Tokens } from "../shared/token-client.ts";
import { administrators, type GoogleConfig, googleConfig } from "./config.ts";
import { type Directory, googleDirectory } from "./directory.ts";
import { directoryTokens, readServiceAccount } from "./directory-token.ts";
import { type GoogleTokens, googleTokens } from "./tokens.ts";

/** People with a Google account. OpenID Connect, and the Directory API for groups. */
export const google = defineConnector<GoogleConfig>({
  type: "google",
  config: googleConfig,
  about: {
    refresh: true,
    groups: true,
    preferredUsername: false,
    logout: false,
    tokenExchange: true,
    status: "stable",
  },
  async open(config, deps) {
    const fetch = deps.openFetch();
    const directory = await openDirectory(config, fetch, deps);
    const connection = { config, deps, directory, client: clientFor(config, fetch, deps) };
    const redeem = refreshOnce(connection.client, deps.clock);
    const people = new People(connection, googleTokens(config, fetch, deps.clock));
    return {
      kind: "redirect" as const,
      returnsBy: "redirect" as const,
      begin: async (callback, state, login) => {
        const verifier = newVerifier(deps.random);
        const nonce = Buffer.from(deps.random.bytes(16)).toString("base64url");
        const remembered = new Secret(JSON.stringify({ verifier, nonce }));
        const redirectUri = redirectFor(config.redirectURI, callback, deps.id);
        const to = authorizationUrl(config.endpoints.authorizationURL, {
          ...requestOf(config, login),
          redirect_uri: redirectUri,
          nonce,
          code_challenge: challengeOf(verifier, "S256"),
          code_challenge_method: "S256",
          state: state(remembered),
        });
        return { kind: "redirect", to };
      },
      finish: async (callback, remember, login) => {
        const outcome = readCallback(callback, { issuers: ["https://accounts.google.com"], isAlwaysNamed: false });
        if (!outcome.ok) return outcome;
        const { verifier, nonce } = remembered.parse(JSON.parse(remember?.reveal() ?? "null"));
        const exchange = { code: outcome.code, redirectUri: config.redirectURI, verifier };
        return people.admit(await connection.client.exchangeCode(exchange, login.signal), login, { nonce });
      },
      refresh: async (identity, login) => {
        const held = new Secret(Buffer.from(identity.connectorData?.reveal() ?? []).toString());
        if (held.reveal() === "") throw new Error("google: Google gave no refresh token at the login");
        let tokens: Tokens;
        try {
          tokens = await redeem(held);
        } catch (error) {
          if (!(error instanceof TokenRefusal && error.code === "invalid_grant")) throw error;
          return keepOut("gone", `Google refuses the refresh token: ${error.message}`, login, deps);
        }
        return people.admit(tokens, login, { username: identity.username });
      },
      identify: (token, type, login) => people.identify(token, type, login),
      probe: connection.client.probe,
    };
  },
  async diagnose(config, deps, report) {
    const fetch = deps.openFetch();
    for (const administrator of new Set(administrators(config)?.values())) {
      await directoryTokens(config, fetch, deps.clock).of(administrator);
      report.fact("pass", "directory", `the service account may act for ${administrator}`);
    }
    await diagnoseClient(clientFor(config, fetch, deps), config.redirectURI, report);
  },
});

const remembered = z.object({ verifier: z.string(), nonce: z.string() });

const clientFor = (config: GoogleConfig, fetch: typeof globalThis.fetch, { clock }: ConnectorDeps): TokenClient =>
  createTokenClient({
    fetch,
    tokenUrl: config.endpoints.tokenURL,
    clientId: config.clientID,
    authentication: { kind: "secret", secret: config.clientSecret },
    clock,
    what: "google: failed to get token",
  });

async function openDirectory(
  config: GoogleConfig,
  fetch: typeof globalThis.fetch,
  { id, clock, logger }: ConnectorDeps,
): Promise<Directory | undefined> {
  const admins = administrators(config);
  if (admins === undefined) return undefined;
  if (config.adminEmail !== "") {
    logger.warn('use "domainToAdminEmail.*" option instead of "adminEmail"', { connector_id: id, deprecated: true });
  }
  if (config.serviceAccountFilePath === "") {
    logger.warn("the application default credential is used since the service account file path is not used", {
      connector_id: id,
    });
  } else await readServiceAccount(config.serviceAccountFilePath);
  return googleDirectory(config, admins, directoryTokens(config, fetch, clock), fetch, logger);
}

/** What is asked for, whoever asks. */
function requestOf({ clientID, scopes, hostedDomains, promptType }: GoogleConfig, login: Login) {
  const [domain] = hostedDomains;
  return {
    client_id: clientID,
    response_type: "code",
    scope: [...new Set(["openid", ...(scopes.length === 0 ? ["profile", "email"] : scopes)])].join(" "),
    // A hint; the claim is what counts.
    hd: hostedDomains.length > 1 ? "*" : domain,
    login_hint: login.wishes?.loginHint,
    ...(login.scopes.offlineAccess ? { access_type: "offline" } : {}),
    prompt: promptOf(login.scopes.offlineAccess ? (promptType ?? "consent") : "", login.wishes) || undefined,
  };
}

/** Google asks nobody for a password twice: to let them choose is the most that can be asked for. */
function promptOf(configured: string, wishes: Wishes | undefined): string {
  if (wishes?.mustProve !== true && wishes?.mustChoose !== true) return configured;
  const kept = configured.split(" ").filter((value) => !["", "none", "select_account"].includes(value));
  return [...kept, "select_account"].join(" ");
}

interface Connection {
  readonly config: GoogleConfig;
  readonly deps: ConnectorDeps;
  readonly directory: Directory | undefined;
  readonly client: TokenClient;
}

/** Who Google says somebody is, and who of them may sign in. */
class People {
  readonly #connection: Connection;
  readonly #tokens: GoogleTokens;

  constructor(connection: Connection, tokens: GoogleTokens) {
    this.#connection = connection;
    this.#tokens = tokens;
  }

  /** The person of a token answer. `nonce`: of this login; `username`: as it was known before. */
  async admit(
    { idToken, refreshToken }: Tokens,
    login: Login,
    known: { readonly nonce?: string; readonly username?: string },
  ): Promise<LoginResult> {
    if (idToken === undefined) throw new Error("google: no id_token in token response");
    const result = await this.#person(await this.#tokens.readOwnIdToken(idToken, known.nonce), login, known.username);
    if (!result.ok || refreshToken === undefined) return result;
    // compat(dex): the token as it is, no JSON.
    const connectorData = new Secret<Uint8Array>(Buffer.from(refreshToken.reveal()));
    return { ok: true, identity: { ...result.identity, connectorData } };
  }

  async identify(token: Secret, type: string, login: Login): Promise<LoginResult> {
    try {
      return await this.#person(await this.#tokens.readForeign(token, type, login.signal), login);
    } catch (error) {
      if (!(error instanceof InvalidTokenError)) throw error;
      return keepOut("wrong_credentials", error.message, login, this.#connection.deps);
    }
  }

  async #person(claims: Claims, login: Login, knownName = ""): Promise<LoginResult> {
    const { config, deps } = this.#connection;
    const userId = textIn(claims, "sub");
    if (userId === "") throw new Error("google: the id token names nobody");
    const hosted = textIn(claims, "hd");
    if (config.hostedDomains.length > 0 && !config.hostedDomains.includes(hosted)) {
      return keepOut("not_in_required_groups", "oidc: unexpected hd claim", login, deps);
    }
    const email = textIn(claims, "email");
    const verified = claims.get("email_verified");
    if (verified !== undefined && typeof verified !== "boolean") {
      throw new Error("oidc: failed to decode claims: email_verified is no boolean");
    }
    const identity = {
      userId,
      username: textIn(claims, "name") || knownName,
      ...(email === "" ? {} : { email }),
      emailVerified: verified === true,
    };
    const all = await this.#groups(identity, login);
    const groups = config.groups.length === 0 ? all : filterGroups(all, config.groups);
    if (config.groups.length > 0 && groups.length === 0) {
      return keepOut("not_in_required_groups", "a member of none of the required groups", login, deps);
    }
    return { ok: true, identity: { ...identity, groups } };
  }

  /** Where the client or a restriction wants them. An address that Google has not verified is nobody's membership. */
  async #groups({ userId, email, emailVerified }: Omit<Identity, "groups">, login: Login): Promise<readonly string[]> {
    const { config, directory } = this.#connection;
    if (directory === undefined || !(login.scopes.groups || config.groups.length > 0)) return [];
    if (email === undefined || !emailVerified) return [];
    return directory.groupsOf({ email, id: userId }, login.signal);
  }
}

function textIn(claims: Claims, name: string): string {
  const value = claims.get(name);
  return typeof value === "string" && value.isWellFormed() ? value : "";
}
