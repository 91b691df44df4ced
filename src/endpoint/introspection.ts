import { json } from "../http/answers.ts";
import { type HttpAnswer, type HttpRequest, MalformedError } from "../http/contract.ts";
import type { Trail } from "../kernel/ports.ts";
import { OAuthError } from "../oauth/error.ts";
import type { Client, RefreshToken } from "../storage/records.ts";
import { originSession } from "../token/origin-session.ts";
import { isExpired } from "../token/refresh-rotation.ts";
import { matchSecret, parseRefreshToken } from "../token/refresh-secret.ts";
import { endsWithSession, isSessionLive } from "../token/session-life.ts";
import { encodeSubject } from "../token/subject.ts";
import type { TokenClaims } from "../token/verify-access-token.ts";
import { authenticateRequest } from "./client-authentication.ts";
import { type MachineForm, readMachineForm, uncached } from "./machine-form.ts";
import type { Provider } from "./provider.ts";

/** What is known of a live token, in the order in which it is written. RFC 7662 §2.2. compat(dex): most claims are under `ext`. */
type Introspection = Readonly<Record<string, unknown>>;

const inactive = { active: false };

/** `/token/introspect`: whether a token counts, and for what. RFC 7662. */
export async function introspectionEndpoint(request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  if (request.method !== "POST") {
    throw new OAuthError("invalid_request", `HTTP method is "${request.method}", expected "POST".`);
  }
  const trail = provider.trail(request);
  const form = readForm(request);
  const asker = provider.isIntrospectionOpen ? undefined : await authenticateAsker(request, form, provider, trail);
  const token = form.get("token");
  if (token === undefined) throw new OAuthError("invalid_request", "The POST body doesn't contain 'token' parameter.");
  const claims = await ofAccessToken(token, provider, trail);
  const family = claims === undefined ? await ofRefreshToken(token, asker, provider) : undefined;
  const use = claims === undefined ? (family === undefined ? undefined : "refresh_token") : "access_token";
  trail.note({
    check: "token.active",
    outcome: use === undefined ? "fail" : "pass",
    because: use ?? "neither a live access token nor a live refresh token",
    spec: "RFC 7662 §2.2",
  });
  return claims === undefined ? json(200, family ?? inactive, uncached) : answerOf(claims);
}

/** What a token says never changes, and its claims are kept while it is shown again and again. */
const answers = new WeakMap<TokenClaims, HttpAnswer>();

function answerOf(claims: TokenClaims): HttpAnswer {
  const answer = answers.get(claims) ?? json(200, describeClaims(claims), uncached);
  answers.set(claims, answer);
  return answer;
}

function readForm(request: HttpRequest): MachineForm {
  const form = readMachineForm(request);
  try {
    if (request.form().names.length > 0) return form;
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
  throw new OAuthError("invalid_request", "The POST body can not be empty.");
}

/** RFC 7662 §2.1: who asks must prove who that is, or anybody could try tokens. A client without a secret proves nothing. */
async function authenticateAsker(
  request: HttpRequest,
  form: MachineForm,
  provider: Provider,
  trail: Trail,
): Promise<Client> {
  const { client, method } = await authenticateRequest(request, form.get, provider, trail);
  if (method !== "none") return client;
  throw new OAuthError("invalid_client", "Invalid client credentials.", { detail: "a client without a secret" });
}

/** The claims of a live access token whose client is still there. */
async function ofAccessToken(jwt: string, provider: Provider, trail: Trail): Promise<TokenClaims | undefined> {
  const verified = await provider.verifyToken(jwt);
  trail.note({
    check: "access_token.valid",
    outcome: verified.ok ? "pass" : "fail",
    because: verified.ok ? "signed by us and alive" : verified.because,
    spec: "RFC 7662 §2.2",
  });
  if (!verified.ok) return undefined;
  const clientId = clientOf(verified.claims);
  const client = clientId === undefined ? undefined : await provider.storage.clients.get(clientId);
  return client === undefined ? undefined : verified.claims;
}

function clientOf({ aud, azp }: TokenClaims): string | undefined {
  const clientId = typeof aud === "string" ? aud : azp;
  return typeof clientId === "string" ? clientId : undefined;
}

function describeClaims(claims: TokenClaims): Introspection {
  const { aud, sub, exp, iat, iss, jti, preferred_username: username } = claims;
  return {
    active: true,
    client_id: clientOf(claims),
    sub,
    exp,
    iat,
    nbf: iat,
    ...(typeof username === "string" && username !== "" ? { username } : {}),
    aud,
    iss,
    jti,
    token_type: "Bearer",
    token_use: "access_token",
    ext: pick(claims, extended),
  };
}

const extended = ["azp", "sid", "email", "email_verified", "groups", "name", "preferred_username", "federated_claims"];

const pick = (claims: TokenClaims, names: readonly string[]): TokenClaims =>
  Object.fromEntries(names.flatMap((name) => (claims[name] === undefined ? [] : [[name, claims[name]]])));

/** Whether its person may still come in, and the session that it ends with still stands. */
async function isStillGood(family: RefreshToken, { storage, clock, flow }: Provider): Promise<boolean> {
  const user = { userId: family.claims.userId, connectorId: family.connectorId };
  if ((await flow.blockedUsers.until(user)) > clock.now()) return false;
  const client = await storage.clients.get(family.clientId);
  if (client === undefined || flow.sessions === undefined || !endsWithSession(client)) return client !== undefined;
  const sessionId = await originSession(family, storage);
  const session = sessionId === "" ? undefined : await storage.authSessions.get(sessionId);
  return sessionId === "" || (session !== undefined && isSessionLive(session, clock.now()));
}

/** Asking neither uses nor rotates it. Another client learns nothing of it. */
async function ofRefreshToken(
  text: string,
  asker: Client | undefined,
  provider: Provider,
): Promise<Introspection | undefined> {
  const { storage, grant, clock, flow } = provider;
  const { id, secret } = parseRefreshToken(text);
  const family = id === "" ? undefined : await storage.refreshTokens.get(id);
  if (family === undefined || (asker !== undefined && asker.id !== family.clientId)) return undefined;
  const { refreshPolicy, refreshKey } = grant;
  const match = matchSecret(family, secret, refreshKey);
  const mayReuse = refreshPolicy.reuseInterval > 0 && clock.now() <= family.lastUsed + refreshPolicy.reuseInterval;
  if (match !== "current" && !(mayReuse && (match === "previous" || match === "dex_previous"))) return undefined;
  if (isExpired(family, refreshPolicy, clock.now()) || !(await isStillGood(family, provider))) return undefined;
  return describeFamily(family, flow.policy.issuer, expiryOf(family, refreshPolicy));
}

/** Milliseconds; undefined: never. */
function expiryOf(
  { createdAt, lastUsed }: RefreshToken,
  { absoluteLifetime, validIfNotUsedFor }: Provider["grant"]["refreshPolicy"],
): number | undefined {
  const ends = [
    ...(absoluteLifetime > 0 ? [createdAt + absoluteLifetime] : []),
    ...(validIfNotUsedFor > 0 ? [lastUsed + validIfNotUsedFor] : []),
  ];
  return ends.length === 0 ? undefined : Math.min(...ends);
}

function describeFamily(family: RefreshToken, issuer: string, expiry: number | undefined): Introspection {
  const { claims, clientId, connectorId, scopes } = family;
  const seconds = (ms: number): number => Math.floor(ms / 1000);
  const issuedAt = seconds(family.createdAt);
  const username = claims.preferredUsername;
  return {
    active: true,
    scope: scopes.join(" "),
    client_id: clientId,
    sub: encodeSubject({ userId: claims.userId, connectorId }),
    ...(expiry === undefined ? {} : { exp: seconds(expiry) }),
    iat: issuedAt,
    nbf: issuedAt,
    ...(username === "" ? {} : { username }),
    aud: clientId,
    iss: issuer,
    token_type: "Bearer",
    token_use: "refresh_token",
    ext: {
      ...(claims.email === "" ? {} : { email: claims.email }),
      email_verified: claims.emailVerified,
      ...(claims.groups.length === 0 ? {} : { groups: claims.groups }),
      ...(claims.username === "" ? {} : { name: claims.username }),
      ...(username === "" ? {} : { preferred_username: username }),
    },
  };
}
