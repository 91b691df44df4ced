/**
 * An OpenID provider on loopback: {@link startFakeOAuth2} with discovery, keys, ID tokens, userinfo, introspection, an end
 * of sessions, and logout tokens. It lies on cue: see `claims`, `sign`, `rotateKeys` and {@link Spoils}.
 */
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";
import { type FakeOAuth2, type FakeOAuth2Options, type Grant, startFakeOAuth2 } from "./oauth2.ts";

export interface FakeOidc extends FakeOAuth2 {
  readonly issuer: string;
  /** Claims of ID token and userinfo alike, by person; `userinfo` overrides the latter. */
  readonly people: Map<string, Readonly<Record<string, unknown>>>;
  /** Replaces members of the discovery document; undefined removes one. */
  metadata: Readonly<Record<string, unknown>>;
  /** The last word on the claims of an ID token; undefined leaves the ID token out. */
  claims: (usual: JWTPayload, grant: Grant) => JWTPayload | undefined;
  /** How tokens are signed. Default: the current key. */
  sign: (claims: JWTPayload) => Promise<string> | string;
  /** What `/jwks` says, before it says it. */
  keys: (usual: readonly JWK[]) => readonly unknown[];
  /** New keys; the old ones are gone. */
  rotateKeys(): Promise<void>;
  /** Signed with the current key. */
  signUsual(claims: JWTPayload, header?: Readonly<Record<string, unknown>>): Promise<string>;
  /** A logout token as the provider would send it; `more` overrides its claims, `without` removes some. */
  logoutToken(
    more?: JWTPayload,
    header?: Readonly<Record<string, unknown>>,
    without?: readonly string[],
  ): Promise<string>;
  /** Public keys, and how the current one is called. */
  publicKeys(): readonly JWK[];
}

export interface FakeOidcOptions extends FakeOAuth2Options {
  readonly algorithm?: "RS256" | "ES256" | "EdDSA" | "PS256";
  /** Seconds since the epoch. Default the machine's clock. */
  readonly now?: () => number;
}

export async function startFakeOidc(options: FakeOidcOptions = {}): Promise<FakeOidc> {
  const { algorithm = "ES256", now = () => Math.floor(Date.now() / 1000) } = options;
  const base = await startFakeOAuth2(options);
  let generation = 0;
  let pair = await newPair();

  async function newPair() {
    const kid = `key-${++generation}`;
    const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
    return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: "sig" } };
  }

  const document = (): Readonly<Record<string, unknown>> => ({
    issuer: base.url,
    authorization_endpoint: `${base.url}/authorize`,
    token_endpoint: `${base.url}/token`,
    userinfo_endpoint: `${base.url}/userinfo`,
    jwks_uri: `${base.url}/jwks`,
    end_session_endpoint: `${base.url}/end?from=dex`,
    id_token_signing_alg_values_supported: [algorithm, "HS256", "none"],
    code_challenge_methods_supported: ["plain", "S256"],
    ...fake.metadata,
  });

  async function idTokenFor(grant: Grant): Promise<Readonly<Record<string, unknown>>> {
    const usual = {
      iss: base.url,
      aud: base.clientId,
      exp: now() + 600,
      iat: now(),
      sub: grant.person,
      ...(grant.nonce === undefined ? {} : { nonce: grant.nonce }),
      ...fake.people.get(grant.person),
    };
    const claims = fake.claims(usual, grant);
    return claims === undefined ? {} : { id_token: await fake.sign(claims) };
  }

  const signUsual: FakeOidc["signUsual"] = (claims, header = {}) =>
    new SignJWT(claims).setProtectedHeader({ alg: algorithm, kid: pair.kid, ...header }).sign(pair.privateKey);

  const fake: FakeOidc = Object.assign(base, {
    issuer: base.url,
    people: new Map<string, Readonly<Record<string, unknown>>>(),
    metadata: {},
    claims: (usual: JWTPayload): JWTPayload | undefined => usual,
    sign: (claims: JWTPayload): Promise<string> | string => signUsual(claims),
    keys: (usual: readonly JWK[]): readonly unknown[] => usual,
    async rotateKeys() {
      pair = await newPair();
    },
    signUsual,
    logoutToken: (more: JWTPayload = {}, header = {}, without: readonly string[] = []) => {
      const claims = {
        iss: base.url,
        aud: base.clientId,
        iat: now(),
        exp: now() + 120,
        jti: crypto.randomUUID(),
        sub: "jane",
        events: { "http://schemas.openid.net/event/backchannel-logout": {} },
        ...more,
      };
      const told = Object.fromEntries(Object.entries(claims).filter(([name]) => !without.includes(name)));
      return signUsual(told, { typ: "logout+jwt", ...header });
    },
    publicKeys: () => [pair.jwk],
  });
  base.extraTokenMembers = idTokenFor;
  base.handler = (heard, response) => {
    const json = (value: unknown): true => {
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
      return true;
    };
    if (heard.path === "/.well-known/openid-configuration") return json(document());
    if (heard.path === "/jwks") return json({ keys: fake.keys([pair.jwk]) });
    if (heard.path === "/introspect") {
      const grant = base.grantOf(heard.form.get("token") ?? "");
      return json(grant === undefined ? { active: false } : { active: true, client_id: base.clientId });
    }
    const grant = base.grantOf(heard.headers.authorization?.replace(/^Bearer /, "") ?? "");
    if (heard.path === "/userinfo" && grant !== undefined && !base.userinfo.has(grant.person)) {
      return json({ sub: grant.person, ...fake.people.get(grant.person) });
    }
    return false;
  };
  return fake;
}
