import type { Secret } from "../../kernel/secret.ts";
import type { Login, LoginResult } from "../contract.ts";
import type { Claims } from "../shared/claims.ts";
import { InvalidTokenError } from "../shared/key-set.ts";
import { type Connection, completed, resultOf } from "./connection.ts";
import type { Provider } from "./provider.ts";

const idTokenType = "urn:ietf:params:oauth:token-type:id_token";
const accessTokenType = "urn:ietf:params:oauth:token-type:access_token";

/** The identity behind a token that was issued elsewhere. RFC 8693 §2.1. @throws {Error} The type cannot be exchanged here. */
export async function identify(
  connection: Connection,
  token: Secret,
  tokenType: string,
  login: Login,
): Promise<LoginResult> {
  const { config, provider } = connection;
  const clients = [config.clientID, ...config.tokenExchangeAudiences];
  try {
    let claims: Claims | undefined;
    if (tokenType === idTokenType) claims = await provider.readIdToken(token, { audiences: clients });
    else if (tokenType !== accessTokenType) throw new Error(`unknown token type for token exchange: ${tokenType}`);
    else if (!config.getUserInfo) throw new Error("oidc: getUserInfo is required for access token exchange");
    else await mustBeIssuedTo(clients, token, provider, login.signal);
    return resultOf(connection, await completed(connection, claims, token, login), {}, login);
  } catch (error) {
    if (!(error instanceof InvalidTokenError)) throw error;
    const { message: because } = error;
    login.trail.note({ check: "upstream.exchanged_token", outcome: "fail", because, spec: "RFC 8693 §2.2.2" });
    return { ok: false, reason: "wrong_credentials" };
  }
}

/**
 * Checks that an access token was issued to us, or to a client that the operator named: any other client of the provider
 * would sign its own users in here (RFC 9700 §4.8.1). Userinfo does not say; a JWT does, and so does introspection.
 * @throws {InvalidTokenError} It was issued to somebody else, or nobody can say to whom.
 */
async function mustBeIssuedTo(
  clients: readonly string[],
  token: Secret,
  provider: Provider,
  signal: AbortSignal,
): Promise<void> {
  const parties = (await partiesOfJwt(token, provider)) ?? partiesIn(await provider.introspect(token, signal));
  if (parties === undefined) {
    throw new InvalidTokenError(
      "oidc: the access token is no JWT of the provider's, and it offers no introspection: nobody can say whom it was issued to",
    );
  }
  if (!parties.some((party) => typeof party === "string" && clients.includes(party))) {
    throw new InvalidTokenError(
      "oidc: the access token was issued to another client (tokenExchangeAudiences lists them)",
    );
  }
}

/** Undefined: it is no JWT that the provider signed. RFC 9068 §4. */
async function partiesOfJwt(token: Secret, { keys, metadata }: Provider): Promise<readonly unknown[] | undefined> {
  const { algorithms } = metadata();
  if (token.reveal().split(".").length !== 3) return undefined;
  try {
    const { claims } = await keys.verify(token.reveal(), algorithms);
    return partiesIn(claims);
  } catch (error) {
    if (error instanceof InvalidTokenError) return undefined;
    throw error;
  }
}

const partiesIn = (claims: Claims | undefined): readonly unknown[] | undefined =>
  claims === undefined ? undefined : [claims.get("aud"), claims.get("azp"), claims.get("client_id")].flat();
