import { BadAnswerError } from "../../kernel/errors.ts";
import type { Clock, Logger, Random } from "../../kernel/ports.ts";
import type { Secret } from "../../kernel/secret.ts";
import { type Claims, claimsIn } from "../shared/claims.ts";
import { httpProbe } from "../shared/http-probe.ts";
import { checkToken, type Expected } from "../shared/id-token.ts";
import { createKeySet, InvalidTokenError, type KeySet } from "../shared/key-set.ts";
import { mustSucceed } from "../shared/read-json.ts";
import { type RefreshOnce, refreshOnce } from "../shared/rotating-refresh.ts";
import { createTokenClient, type TokenClient } from "../shared/token-client.ts";
import { authenticationFor } from "./client-authentication.ts";
import type { OidcConfig } from "./config.ts";
import { discover, discoveryUrl, keepMetadata, type Metadata } from "./metadata.ts";

/** The OpenID provider upstream, as its relying party. */
export interface Provider {
  metadata(): Metadata;
  readonly keys: KeySet;
  /** At the token endpoint of now. */
  client(): TokenClient;
  readonly refresh: RefreshOnce;
  /** @throws {InvalidTokenError} Not a token of this provider for us. */
  readIdToken(token: Secret, expected: Omit<Expected, "issuers" | "clock">): Promise<Claims>;
  /** @throws {InvalidTokenError} The provider does not take the token. @throws {UnavailableError} */
  userInfo(accessToken: Secret, signal: AbortSignal): Promise<Claims>;
  /** What the provider says of a token. Undefined: it does not offer to. @throws As `userInfo`. RFC 7662. */
  introspect(token: Secret, signal: AbortSignal): Promise<Claims | undefined>;
  /** @throws {UnavailableError} Its discovery or its token endpoint does not answer. */
  probe(signal: AbortSignal): Promise<void>;
}

export interface ProviderDeps {
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** @throws {UnavailableError} Discovery failed: the provider is away. */
export async function openProvider(config: OidcConfig, deps: ProviderDeps): Promise<Provider> {
  const { fetch, clock } = deps;
  const read = (): Promise<Metadata> => discover(config, fetch, new AbortController().signal);
  const metadata = keepMetadata(await read(), read, deps);
  const keys = createKeySet(fetch, () => metadata().jwksUri, clock);
  const probe = httpProbe(fetch);
  let made: { readonly tokenUrl: string; readonly client: TokenClient } | undefined;

  function client(): TokenClient {
    const tokenUrl = metadata().tokenEndpoint;
    // Kept while the address stays: it remembers where the secret goes.
    if (made?.tokenUrl !== tokenUrl) {
      const authentication = authenticationFor(config, metadata, deps);
      const { clientID: clientId } = config;
      made = {
        tokenUrl,
        client: createTokenClient({
          fetch,
          tokenUrl,
          clientId,
          authentication,
          clock,
          what: "oidc: failed to get token",
        }),
      };
    }
    return made.client;
  }

  return {
    metadata,
    keys,
    client,
    refresh: refreshOnce({ refresh: (token, signal) => client().refresh(token, signal) }, clock),
    async readIdToken(token, expected) {
      const { issuers, algorithms } = metadata();
      const { claims, type } = await keys.verify(token.reveal(), algorithms);
      // A logout token is signed by the same keys for the same audience. OIDC Back-Channel Logout §2.4.
      if (type?.toLowerCase() === "logout+jwt" || claims.has("events"))
        throw new InvalidTokenError("oidc: no id token");
      checkToken(claims, { ...expected, issuers, clock });
      return claims;
    },
    async userInfo(accessToken, signal) {
      const { userinfoEndpoint, algorithms, issuers } = metadata();
      if (userinfoEndpoint === undefined) throw new Error("oidc: user info endpoint is not supported by this provider");
      const headers = { authorization: `Bearer ${accessToken.reveal()}`, accept: "application/json, application/jwt" };
      const response = await fetch(userinfoEndpoint, { headers, signal });
      if (response.status === 401) throw new InvalidTokenError("oidc: error loading userinfo: status 401");
      await mustSucceed(response, "oidc: error loading userinfo");
      const text = await response.text();
      const type = (response.headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase();
      if (type !== "application/jwt") return readMembers(text, "userinfo claims");
      const { claims } = await keys.verify(text, algorithms);
      // OIDC Core §5.3.2: where they are there they name the provider and us.
      const audience = [claims.get("aud") ?? config.clientID].flat();
      const issuer = claims.get("iss") ?? issuers[0];
      if (!audience.includes(config.clientID) || typeof issuer !== "string" || !issuers.includes(issuer)) {
        throw new InvalidTokenError("oidc: error loading userinfo: it is of another provider or for another client");
      }
      return claims;
    },
    async introspect(token, signal) {
      const { introspectionEndpoint } = metadata();
      if (introspectionEndpoint === undefined) return undefined;
      const form = { token: token.reveal(), token_type_hint: "access_token" };
      const claims = readMembers(await client().ask(introspectionEndpoint, form, signal), "introspection");
      if (claims.get("active") !== true) throw new InvalidTokenError("oidc: the token is not active");
      return claims;
    },
    async probe(signal) {
      await Promise.all([probe(discoveryUrl(config), signal, true), client().probe(signal)]);
    },
  };
}

function readMembers(text: string, what: string): Claims {
  const claims = claimsIn(text);
  if (claims === undefined) throw new BadAnswerError(`oidc: failed to decode ${what}: not a JSON object`);
  return claims;
}
