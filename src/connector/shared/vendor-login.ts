import { Secret } from "../../kernel/secret.ts";
import { challengeOf } from "../../oauth/pkce.ts";
import type { ConnectorDeps, Identity, Login, LoginResult, RedirectConnector, Wishes } from "../contract.ts";
import { authorizationUrl, newVerifier, redirectFor } from "./authorization-url.ts";
import { keepOut } from "./keep-out.ts";
import { readCallback } from "./read-callback.ts";
import { refreshOnce } from "./rotating-refresh.ts";
import { isGood, readStoredTokens, type StoredTokens, writeStoredTokens } from "./stored-tokens.ts";
import { type TokenClient, TokenRefusal } from "./token-client.ts";
import { AccountEndedError, TokenRejectedError } from "./vendor-api.ts";

/** Who a vendor says somebody is. What it refused is a result. */
export type WhoIs = { readonly ok: true; readonly identity: Omit<Identity, "connectorData"> } | Refused;
type Refused = Extract<LoginResult, { readonly ok: false }>;

/** A service with OAuth 2.0 and an API that says who somebody is: what is left to say of it. */
export interface Vendor {
  /** In errors and logs: "github". */
  readonly what: string;
  readonly clientId: string;
  readonly redirectUri: string;
  readonly authorizationUrl: string;
  readonly client: TokenClient;
  readonly pkce: boolean;
  /** False where the vendor uses the address that is registered, and none that is sent. */
  readonly sendsRedirectUri?: boolean;
  /** Undefined: none is asked for. */
  scope(scopes: Login["scopes"]): string | undefined;
  /** The person behind an access token, and whether they may sign in, whatever the client asked for. */
  whoIs(token: Secret, login: Login): Promise<WhoIs>;
  /**
   * Whether the token was issued to our own application; any other would sign its own users in here (RFC 9700 §4.8.1).
   * Absent where the vendor has no way to say: then its tokens are not exchanged.
   */
  isOurs?(token: Secret, signal: AbortSignal): Promise<boolean>;
  /** What says, besides `invalid_grant`, that a refresh token is dead. */
  readonly deadGrant?: string;
  /** compat(dex): some are redeemed at every refresh, others once the access token has expired. */
  readonly redeems: "always" | "when expired";
  /** More parameters of the way there: its own, and what it understands of the client's wishes. */
  readonly more?: (wishes: Wishes | undefined) => Readonly<Record<string, string | undefined>>;
  /** How the stored tokens are read and written. Default Dex's usual shape. */
  readonly read?: (data: Identity["connectorData"]) => StoredTokens;
  readonly write?: (tokens: StoredTokens) => Secret<Uint8Array>;
}

/** The code flow with a vendor, refresh and token exchange. RFC 6749 §4.1, §6; RFC 8693. */
export function vendorLogin(vendor: Vendor, deps: ConnectorDeps): RedirectConnector {
  const { what, client, isOurs, read = readStoredTokens, write = writeStoredTokens } = vendor;
  const redeemOnce = refreshOnce(client, deps.clock);

  /** Undefined: there is nothing to redeem, or it is dead for good. What came is stored before anything else can fail. */
  async function redeem({ refreshToken }: StoredTokens, login: Login): Promise<StoredTokens | undefined> {
    if (refreshToken === undefined) return undefined;
    try {
      const tokens = await redeemOnce(refreshToken);
      await login.keep?.(write(tokens));
      return tokens;
    } catch (error) {
      const isDead = error instanceof TokenRefusal && ["invalid_grant", vendor.deadGrant].includes(error.code);
      if (!isDead) throw error;
      login.trail.note({ check: "upstream.grant", outcome: "fail", because: error.message, spec: "RFC 6749 §5.2" });
      return undefined;
    }
  }

  /** Undefined: the vendor does not take the token. */
  async function whoIs(token: Secret, login: Login): Promise<WhoIs | undefined> {
    try {
      return await vendor.whoIs(token, login);
    } catch (error) {
      if (error instanceof TokenRejectedError) return undefined;
      if (!(error instanceof AccountEndedError)) throw error;
      return keepOut("gone", error.message, login, deps);
    }
  }

  return {
    kind: "redirect",
    returnsBy: "redirect",

    async begin(callback, state, { scopes, wishes }) {
      const redirectUri = redirectFor(vendor.redirectUri, callback, deps.id);
      const verifier = vendor.pkce ? newVerifier(deps.random) : undefined;
      const to = authorizationUrl(vendor.authorizationUrl, {
        ...vendor.more?.(wishes),
        client_id: vendor.clientId,
        redirect_uri: vendor.sendsRedirectUri === false ? undefined : redirectUri,
        response_type: "code",
        scope: vendor.scope(scopes),
        ...(verifier === undefined
          ? {}
          : { code_challenge: challengeOf(verifier, "S256"), code_challenge_method: "S256" }),
        state: state(verifier === undefined ? undefined : new Secret(verifier)),
      });
      return { kind: "redirect", to };
    },

    async finish(callback, remembered, login) {
      const outcome = readCallback(callback);
      if (!outcome.ok) return outcome;
      const redirectUri = vendor.sendsRedirectUri === false ? undefined : vendor.redirectUri;
      const verifier = remembered === undefined ? {} : { verifier: remembered.reveal() };
      const tokens = await client.exchangeCode({ code: outcome.code, redirectUri, ...verifier }, login.signal);
      const who = await whoIs(tokens.accessToken, login);
      if (who === undefined) throw new Error(`${what}: the access token that was issued a moment ago is not accepted`);
      return login.scopes.offlineAccess ? withData(who, write(tokens)) : who;
    },

    async refresh({ connectorData }, login) {
      const held = read(connectorData);
      if (held.accessToken.reveal() === "" && held.refreshToken === undefined) {
        throw new Error(`${what}: no upstream access token found`);
      }
      const mayUseHeld =
        isGood(held, deps.clock) && (vendor.redeems === "when expired" || held.refreshToken === undefined);
      if (mayUseHeld) {
        const who = await whoIs(held.accessToken, login);
        if (who !== undefined) return withData(who, connectorData);
      }
      const tokens = await redeem(held, login);
      const who = tokens && (await whoIs(tokens.accessToken, login));
      if (tokens !== undefined && who !== undefined) return withData(who, write(tokens));
      return keepOut("gone", `${what} takes neither of the stored tokens any more`, login, deps);
    },

    probe: client.probe,

    ...(isOurs === undefined
      ? {}
      : {
          // compat(dex): whatever type it is called; the vendor is asked what it is.
          async identify(token: Secret, _type: string, login: Login): Promise<LoginResult> {
            const isIssuedToUs = await isOurs(token, login.signal);
            const because = isIssuedToUs ? "issued to our application" : "not a token of our application";
            login.trail.note({
              check: "upstream.token_audience",
              outcome: isIssuedToUs ? "pass" : "fail",
              because: `${what}: ${because}`,
              spec: "RFC 9700 §4.8.1",
            });
            const who = isIssuedToUs ? await whoIs(token, login) : undefined;
            return who ?? { ok: false, reason: "wrong_credentials" };
          },
        }),
  };
}

const withData = (who: WhoIs, connectorData: Identity["connectorData"]): LoginResult =>
  who.ok && connectorData !== undefined ? { ok: true, identity: { ...who.identity, connectorData } } : who;
