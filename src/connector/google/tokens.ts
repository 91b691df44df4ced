import { z } from "zod";
import type { Clock } from "../../kernel/ports.ts";
import type { Secret } from "../../kernel/secret.ts";
import { type Claims, claimsIn } from "../shared/claims.ts";
import { checkToken } from "../shared/id-token.ts";
import { looseText } from "../shared/json.ts";
import { createKeySet, InvalidTokenError } from "../shared/key-set.ts";
import { mustSucceed, readJson } from "../shared/read-json.ts";
import type { GoogleConfig } from "./config.ts";

/** What Google's tokens say, once it is sure that they are Google's and for us. */
export interface GoogleTokens {
  /** @throws {InvalidTokenError} It is not. OIDC Core §3.1.3.7. */
  readOwnIdToken(token: Secret, nonce: string | undefined): Promise<Claims>;
  /** Of a token that was issued elsewhere. @throws {InvalidTokenError} To another client, or no token of Google's. RFC 8693 §2.1. */
  readForeign(token: Secret, type: string, signal: AbortSignal): Promise<Claims>;
}

const issuers = ["https://accounts.google.com", "accounts.google.com"];
const algorithms = ["RS256"];
const idTokenType = "urn:ietf:params:oauth:token-type:id_token";
const accessTokenType = "urn:ietf:params:oauth:token-type:access_token";
const tokenInfo = z.object({ aud: z.string(), sub: looseText });

export function googleTokens(config: GoogleConfig, fetch: typeof globalThis.fetch, clock: Clock): GoogleTokens {
  const { clientID, endpoints, tokenExchangeAudiences } = config;
  const keys = createKeySet(fetch, () => endpoints.keysURL, clock);
  const clients = [clientID, ...tokenExchangeAudiences];

  async function readIdToken(token: Secret, audiences: readonly string[], more: object = {}): Promise<Claims> {
    const { claims } = await keys.verify(token.reveal(), algorithms);
    checkToken(claims, { issuers, audiences, clock, ...more });
    return claims;
  }

  /** An access token says nothing of itself; Google says whose client it was issued to. */
  async function readAccessToken(token: Secret, signal: AbortSignal): Promise<Claims> {
    const query = new URLSearchParams({ access_token: token.reveal() });
    const response = await fetch(`${endpoints.tokenInfoURL}?${query}`, { signal });
    if (response.status === 400) throw new InvalidTokenError("google: no access token that is good");
    const { aud, sub } = await readJson(response, tokenInfo, "google: tokeninfo");
    if (!clients.includes(aud)) throw new InvalidTokenError("google: the access token was issued to another client");
    const headers = { authorization: `Bearer ${token.reveal()}`, accept: "application/json" };
    const info = await fetch(endpoints.userInfoURL, { headers, signal });
    if (info.status === 401) throw new InvalidTokenError("google: no access token that is good");
    await mustSucceed(info, "google: userinfo");
    const claims = claimsIn(await info.text());
    if (claims === undefined || (sub !== "" && claims.get("sub") !== sub)) {
      throw new InvalidTokenError("google: userinfo speaks of nobody, or of somebody else");
    }
    return claims;
  }

  return {
    readOwnIdToken: (token, nonce) =>
      readIdToken(token, [clientID], { authorizedParty: clientID, ...(nonce === undefined ? {} : { nonce }) }),
    readForeign: async (token, type, signal) => {
      if (type === idTokenType) return readIdToken(token, clients);
      if (type === accessTokenType) return readAccessToken(token, signal);
      throw new InvalidTokenError(`google: tokens of this type cannot be exchanged`);
    },
  };
}
