import type { Clock } from "../../kernel/ports.ts";
import type { Callback, Departure, EndedUpstream, UpstreamLogout } from "../contract.ts";
import { authorizationUrl } from "../shared/authorization-url.ts";
import { checkToken } from "../shared/id-token.ts";
import { InvalidTokenError } from "../shared/key-set.ts";
import type { OidcConfig } from "./config.ts";
import { readOidcData } from "./connector-data.ts";
import type { Provider } from "./provider.ts";

/** Where the person ends the provider's session. OIDC RP-Initiated Logout §2. */
export function endSession(
  { connectorData, returnTo, state }: UpstreamLogout,
  config: OidcConfig,
  provider: Provider,
): Departure | undefined {
  const { endSessionEndpoint } = provider.metadata();
  if (endSessionEndpoint === undefined) return undefined;
  const hint = connectorData === undefined ? undefined : readOidcData(connectorData).idToken;
  const to = authorizationUrl(endSessionEndpoint, {
    client_id: config.clientID,
    id_token_hint: hint?.reveal(),
    post_logout_redirect_uri: returnTo.href,
    state,
  });
  return { kind: "redirect", to };
}

const event = "http://schemas.openid.net/event/backchannel-logout";

/** Hears that the provider ended a session. */
export type HearLogout = (message: Callback) => Promise<EndedUpstream>;

/** Each logout token counts once, while it lives. OIDC Back-Channel Logout §2.6. */
export function logoutListener(config: OidcConfig, provider: Provider, clock: Clock): HearLogout {
  const heard = new Map<string, number>();

  function mustBeNew(id: string, expires: number): void {
    const now = clock.now();
    for (const [old, until] of heard) if (until < now) heard.delete(old);
    if (heard.has(id)) throw new InvalidTokenError("oidc: the logout token came before");
    heard.set(id, expires);
  }

  return async ({ form }) => {
    const token = form.get("logout_token") ?? "";
    const { issuers, algorithms } = provider.metadata();
    const { claims, type } = await provider.keys.verify(token, algorithms);
    // RFC 8725 §3.11: another kind of JWT that says so is none. Many providers leave it at "JWT".
    if (type !== undefined && !["logout+jwt", "jwt"].includes(type.toLowerCase().replace(/^application\//, ""))) {
      throw new InvalidTokenError("oidc: another kind of token");
    }
    checkToken(claims, { issuers, audiences: [config.clientID], clock });
    if (typeof claims.get("iat") !== "number") throw new InvalidTokenError("oidc: the logout token has no iat");
    const events = claims.get("events");
    const isLogout = typeof events === "object" && events !== null && Object.hasOwn(events, event);
    if (!isLogout) throw new InvalidTokenError("oidc: the token reports no logout");
    // An ID token must not pass for one.
    if (claims.has("nonce")) throw new InvalidTokenError("oidc: a logout token has no nonce");
    const [subject, session, id] = ["sub", "sid", "jti"].map((name) => claims.get(name));
    // compat(spec): the user id is another claim there, and a logout token does not have it.
    const userId = typeof subject === "string" && config.userIDKey === "" ? subject : undefined;
    const upstreamSessionId = typeof session === "string" ? session : undefined;
    if (userId === undefined && upstreamSessionId === undefined) {
      throw new InvalidTokenError(
        "oidc: the logout token names nobody that we know: neither sid nor, as our user id, sub",
      );
    }
    if (typeof id !== "string") throw new InvalidTokenError("oidc: the logout token has no jti");
    mustBeNew(id, Number(claims.get("exp")) * 1000 + 120_000);
    return {
      ...(userId === undefined ? {} : { userId }),
      ...(upstreamSessionId === undefined ? {} : { upstreamSessionId }),
    };
  };
}
