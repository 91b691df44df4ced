import type { Identity, Login, LoginResult } from "../contract.ts";
import { TokenRefusal, type Tokens } from "../shared/token-client.ts";
import { type Connection, completed, resultOf } from "./connection.ts";
import { readOidcData, writeOidcData } from "./connector-data.ts";

/** Who the person is now. The answer need not bring an ID token; the last one stays the hint for a logout. OIDC Core §12.2. */
export async function refresh(connection: Connection, identity: Identity, login: Login): Promise<LoginResult> {
  const { config, provider } = connection;
  const held = readOidcData(identity.connectorData);
  if (held.refreshToken === undefined) throw new Error("oidc: the provider gave no refresh token at the login");
  let tokens: Tokens;
  try {
    tokens = await provider.refresh(held.refreshToken);
  } catch (error) {
    if (error instanceof TokenRefusal && error.code === "invalid_grant") return { ok: false, reason: "gone" };
    throw error;
  }
  const { refreshToken, idToken = held.idToken } = tokens;
  const kept = { refreshToken, idToken };
  // The provider may have burnt what we held: what it gave instead is stored before anything else can fail.
  await login.keep?.(writeOidcData(kept));
  const expected = { audiences: [config.clientID], authorizedParty: config.clientID };
  const claims = tokens.idToken === undefined ? undefined : await provider.readIdToken(tokens.idToken, expected);
  return resultOf(connection, await completed(connection, claims, tokens.accessToken, login), kept, login);
}
