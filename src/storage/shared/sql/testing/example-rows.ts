/**
 * One row of every table as Dex writes it, and the record that it is, for tests of every SQL database. The times
 * have Dex's nanoseconds or, since we keep milliseconds, none below those: then we must write what Dex writes.
 * The P-256 keys are the public examples of RFC 7517. Dex commit ab64ed77.
 */
import { Secret } from "../../../../kernel/secret.ts";
import { type KindName, type RecordKinds, unsetTime } from "../../../records.ts";

/** Text, number, truth or NULL as they are; JSON and bytes as text; a time as RFC 3339. */
export type ExampleCell =
  | string
  | number
  | boolean
  | null
  | { readonly json: string }
  | { readonly bytes: string }
  | { readonly time: string };

export interface ExampleRow<K extends KindName = KindName> {
  readonly kind: K;
  readonly cells: Readonly<Record<string, ExampleCell>>;
  readonly record: RecordKinds[K]["record"];
}

const json = (text: string): ExampleCell => ({ json: text });
const bytes = (text: string): ExampleCell => ({ bytes: text });
const secretBytes = (text: string): Secret<Uint8Array> => new Secret(new Uint8Array(Buffer.from(text)));

const userId = "08a8684b-db88-4b73-90a9-3cd1661f5466";
const scopes = ["openid", "email", "offline_access"];
const scopesCell = json('["openid","email","offline_access"]');
const claims = {
  userId,
  username: "admin",
  preferredUsername: "admin",
  email: "admin@example.com",
  emailVerified: true,
  groups: ["team-a"],
};
const claimsCells = {
  claims_user_id: userId,
  claims_username: "admin",
  claims_preferred_username: "admin",
  claims_email: "admin@example.com",
  claims_email_verified: true,
  claims_groups: json('["team-a"]'),
};
const pkce = { codeChallenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", codeChallengeMethod: "S256" };
const pkceCells = { code_challenge: pkce.codeChallenge, code_challenge_method: "S256" };
const point = { x: "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", y: "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM" };
const privateValue = "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE";
const oldPoint = {
  x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
  y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
};
const ecKey = (kid: string) => ({ use: "sig", kty: "EC", kid, crv: "P-256", alg: "ES256" });
const ecKeyText = (kid: string, { x, y }: typeof point): string =>
  `{"use":"sig","kty":"EC","kid":"${kid}","crv":"P-256","alg":"ES256","x":"${x}","y":"${y}"`;
const [kid, oldKid] = ["9d44741f773b938cf65dd326685b86180c324d99", "1f2e3d4c5b6a79880f1e2d3c4b5a69788796a5b4"];

/** `fraction` are the digits of every time's second: Dex's nine, or three. */
export function exampleRows(fraction: "123456789" | "123"): readonly ExampleRow[] {
  const at = (day: number, clock: string): string => `2026-08-0${day}T${clock}.${fraction}Z`;
  const ms = (text: string): number => Date.parse(text);
  const time = (text: string): ExampleCell => ({ time: text });
  const now = at(6, "15:14:24");
  const tomorrow = at(7, "15:14:24");
  const inHalfAnHour = at(6, "15:44:24");
  const inFiveMinutes = at(6, "15:19:24");
  const never = "0001-01-01T00:00:00Z";
  const row = <K extends KindName>(kind: K, cells: ExampleRow["cells"], record: RecordKinds[K]["record"]) =>
    ({ kind, cells, record }) as ExampleRow;

  return [
    row(
      "clients",
      {
        id: "example-app",
        secret: "ZXhhbXBsZS1hcHAtc2VjcmV0",
        redirect_uris: json('["http://127.0.0.1:5555/callback"]'),
        trusted_peers: json("null"),
        public: false,
        name: "Example App",
        logo_url: "",
        allowed_connectors: json("null"),
        mfa_chain: json("null"),
        post_logout_redirect_uris: json("null"),
        sso_shared_with: json("null"),
        backchannel_logout_uri: "",
        refresh_token_lifetime: "",
      },
      {
        id: "example-app",
        secret: new Secret("ZXhhbXBsZS1hcHAtc2VjcmV0"),
        redirectUris: ["http://127.0.0.1:5555/callback"],
        trustedPeers: [],
        public: false,
        name: "Example App",
        logoUrl: "",
        allowedConnectors: [],
        postLogoutRedirectUris: [],
        backchannelLogoutUri: "",
        refreshTokenLifetime: "",
        clientCredentialsGroups: [],
      },
    ),
    row(
      "authRequests",
      {
        id: "p2x7vqk3m5n4b6c7d2f3g4h5j",
        client_id: "example-app",
        response_types: json('["code"]'),
        scopes: scopesCell,
        redirect_uri: "http://127.0.0.1:5555/callback",
        nonce: "",
        state: "xyz",
        force_approval_prompt: false,
        logged_in: true,
        ...claimsCells,
        connector_id: "local",
        connector_data: null,
        expiry: time(tomorrow),
        ...pkceCells,
        hmac_key: bytes("kx3q2v7n4m5c6b7z2a3s4d5f6g7h2j3k4l5q6w7e2r3t4y5u6i7"),
        mfa_validated: false,
        webauthn_session_data: null,
        prompt: "",
        max_age: -1,
        auth_time: time(now),
      },
      {
        id: "p2x7vqk3m5n4b6c7d2f3g4h5j",
        clientId: "example-app",
        responseTypes: ["code"],
        scopes,
        redirectUri: "http://127.0.0.1:5555/callback",
        nonce: "",
        state: "xyz",
        forceApprovalPrompt: false,
        loggedIn: true,
        claims,
        connectorId: "local",
        expiry: ms(tomorrow),
        ...pkce,
        hmacKey: secretBytes("kx3q2v7n4m5c6b7z2a3s4d5f6g7h2j3k4l5q6w7e2r3t4y5u6i7"),
        mfaValidated: false,
        prompt: "",
        maxAge: -1,
        authTime: ms(now),
      },
    ),
    row(
      "authCodes",
      {
        id: "q3y7wrl4n6p5c7d2f3g4h5j6k",
        client_id: "example-app",
        scopes: scopesCell,
        nonce: "",
        redirect_uri: "http://127.0.0.1:5555/callback",
        ...claimsCells,
        connector_id: "local",
        connector_data: null,
        expiry: time(inHalfAnHour),
        ...pkceCells,
        auth_time: time(now),
        session_id: "t6b4zup7r3s2g4h5j6k7l2m3n",
      },
      {
        id: "q3y7wrl4n6p5c7d2f3g4h5j6k",
        clientId: "example-app",
        scopes,
        nonce: "",
        redirectUri: "http://127.0.0.1:5555/callback",
        claims,
        connectorId: "local",
        expiry: ms(inHalfAnHour),
        ...pkce,
        authTime: ms(now),
        sessionId: "t6b4zup7r3s2g4h5j6k7l2m3n",
      },
    ),
    row(
      "refreshTokens",
      {
        id: "r4z2xsm5p7q6d2f3g4h5j6k7l",
        client_id: "example-app",
        scopes: scopesCell,
        nonce: "",
        ...claimsCells,
        connector_id: "local",
        connector_data: null,
        token: "s5a3ytn6q2r7f3g4h5j6k7l2m",
        obsolete_token: "",
        created_at: time(now),
        last_used: time(now),
      },
      {
        id: "r4z2xsm5p7q6d2f3g4h5j6k7l",
        clientId: "example-app",
        scopes,
        nonce: "",
        claims,
        connectorId: "local",
        token: new Secret("s5a3ytn6q2r7f3g4h5j6k7l2m"),
        obsoleteToken: new Secret(""),
        createdAt: ms(now),
        lastUsed: ms(now),
      },
    ),
    row(
      "passwords",
      {
        email: "admin@example.com",
        hash: bytes("$2a$10$2b2cU8CPhOTaGrs1HRQuAueS7JTT5ZHsHSzYiFPm1leZck7Mc8T4W"),
        username: "admin",
        preferred_username: "admin",
        user_id: userId,
        groups: json('["team-a"]'),
        name: "Admin User",
        email_verified: true,
      },
      {
        email: "admin@example.com",
        hash: secretBytes("$2a$10$2b2cU8CPhOTaGrs1HRQuAueS7JTT5ZHsHSzYiFPm1leZck7Mc8T4W"),
        username: "admin",
        preferredUsername: "admin",
        userId,
        groups: ["team-a"],
        name: "Admin User",
        emailVerified: true,
      },
    ),
    row(
      "keys",
      {
        id: "keys",
        verification_keys: json(`[{"publicKey":${ecKeyText(oldKid, oldPoint)}},"expiry":"${tomorrow}"}]`),
        signing_key: json(`${ecKeyText(kid, point)},"d":"${privateValue}"}`),
        signing_key_pub: json(`${ecKeyText(kid, point)}}`),
        next_rotation: time(at(6, "21:14:24")),
      },
      {
        signingKey: new Secret({ ...ecKey(kid), ...point, d: privateValue }),
        signingKeyPub: { ...ecKey(kid), ...point },
        verificationKeys: [{ publicKey: { ...ecKey(oldKid), ...oldPoint }, expiry: ms(tomorrow) }],
        nextRotation: ms(at(6, "21:14:24")),
      },
    ),
    row(
      "offlineSessions",
      {
        user_id: userId,
        conn_id: "local",
        refresh: json(
          `{"example-app":{"ID":"r4z2xsm5p7q6d2f3g4h5j6k7l","ClientID":"example-app","CreatedAt":"${now}",` +
            `"LastUsed":"${now}","SessionID":"t6b4zup7r3s2g4h5j6k7l2m3n"}}`,
        ),
        connector_data: null,
      },
      {
        userId,
        connectorId: "local",
        refresh: {
          "example-app": {
            id: "r4z2xsm5p7q6d2f3g4h5j6k7l",
            clientId: "example-app",
            createdAt: ms(now),
            lastUsed: ms(now),
            sessionId: "t6b4zup7r3s2g4h5j6k7l2m3n",
          },
        },
      },
    ),
    row(
      "connectors",
      {
        id: "google",
        type: "oidc",
        name: "Google",
        resource_version: "1",
        config: bytes('{"issuer":"https://accounts.google.com","clientID":"foo","clientSecret":"bar"}'),
        grant_types: json("null"),
      },
      {
        id: "google",
        type: "oidc",
        name: "Google",
        resourceVersion: "1",
        config: secretBytes('{"issuer":"https://accounts.google.com","clientID":"foo","clientSecret":"bar"}'),
        grantTypes: [],
      },
    ),
    row(
      "deviceRequests",
      {
        user_code: "BCDF-GHJK",
        device_code: "v2d6bwr3t5u4j6k7l2m3n4p5qx7y2z3a4b5c6d7e2f3g4h5j6k7",
        client_id: "example-device-client",
        client_secret: "",
        scopes: json('["openid","email"]'),
        expiry: time(inFiveMinutes),
      },
      {
        userCode: "BCDF-GHJK",
        deviceCode: "v2d6bwr3t5u4j6k7l2m3n4p5qx7y2z3a4b5c6d7e2f3g4h5j6k7",
        clientId: "example-device-client",
        clientSecret: new Secret(""),
        scopes: ["openid", "email"],
        expiry: ms(inFiveMinutes),
      },
    ),
    row(
      "deviceTokens",
      {
        device_code: "v2d6bwr3t5u4j6k7l2m3n4p5qx7y2z3a4b5c6d7e2f3g4h5j6k7",
        status: "authorization_pending",
        // The one column of bytes that Dex writes as text.
        token: "",
        expiry: time(inFiveMinutes),
        last_request: time(now),
        poll_interval: 0,
        code_challenge: "",
        code_challenge_method: "plain",
      },
      {
        deviceCode: "v2d6bwr3t5u4j6k7l2m3n4p5qx7y2z3a4b5c6d7e2f3g4h5j6k7",
        status: "authorization_pending",
        token: new Secret(""),
        expiry: ms(inFiveMinutes),
        lastRequest: ms(now),
        pollInterval: 0,
        codeChallenge: "",
        codeChallengeMethod: "plain",
      },
    ),
    row(
      "userIdentities",
      {
        user_id: userId,
        connector_id: "local",
        ...claimsCells,
        consents: json('{"example-app":["openid","email","offline_access"]}'),
        mfa_secrets: json(
          '{"totp-1":{"authenticatorID":"totp-1","type":"TOTP","secret":"otpauth://totp/dex-1:%28local%29%20' +
            "admin@example.com?algorithm=SHA1\\u0026digits=6\\u0026issuer=dex-1\\u0026period=30\\u0026secret=" +
            `JBSWY3DPEHPK3PXP","confirmed":true,"createdAt":"${now}","lastUsedCounter":59536208}}`,
        ),
        webauthn_credentials: json(
          '{"webauthn-1":[{"credentialID":"Y3JlZC0x","publicKey":"Y29zZS1rZXk=","attestationType":"none",' +
            '"aaguid":"AAAAAAAAAAAAAAAAAAAAAA==","signCount":1,"cloneWarning":false,"transport":["usb"],' +
            `"backupEligible":false,"backupState":false,"displayName":"Security Key","createdAt":"${now}"}]}`,
        ),
        created_at: time(now),
        last_login: time(now),
        blocked_until: time(never),
      },
      {
        userId,
        connectorId: "local",
        claims,
        consents: { "example-app": scopes },
        mfaSecrets: {
          "totp-1": {
            authenticatorId: "totp-1",
            type: "TOTP",
            secret: new Secret(
              "otpauth://totp/dex-1:%28local%29%20admin@example.com?algorithm=SHA1&digits=6&issuer=dex-1&period=30&secret=JBSWY3DPEHPK3PXP",
            ),
            confirmed: true,
            createdAt: ms(now),
            lastUsedCounter: 59_536_208,
          },
        },
        webauthnCredentials: {
          "webauthn-1": [
            {
              credentialId: new Uint8Array(Buffer.from("cred-1")),
              publicKey: new Uint8Array(Buffer.from("cose-key")),
              attestationType: "none",
              aaguid: new Uint8Array(16),
              signCount: 1,
              cloneWarning: false,
              transport: ["usb"],
              backupEligible: false,
              backupState: false,
              displayName: "Security Key",
              createdAt: ms(now),
            },
          ],
        },
        createdAt: ms(now),
        lastLogin: ms(now),
        blockedUntil: unsetTime,
      },
    ),
    row(
      "authSessions",
      {
        id: "t6b4zup7r3s2g4h5j6k7l2m3n",
        secret: "u7c5avq2s4t3h5j6k7l2m3n4p",
        user_id: userId,
        connector_id: "local",
        client_states: json(
          `{"example-app":{"AuthenticatedAt":"${now}","LastActivity":"${now}","LastTokenIssuedAt":"${never}","ViaSSO":false}}`,
        ),
        created_at: time(now),
        last_activity: time(now),
        ip_address: "203.0.113.9",
        user_agent: "Mozilla/5.0",
        absolute_expiry: time(tomorrow),
        idle_expiry: time(at(6, "16:14:24")),
        logout_state: json("null"),
      },
      {
        id: "t6b4zup7r3s2g4h5j6k7l2m3n",
        secret: new Secret("u7c5avq2s4t3h5j6k7l2m3n4p"),
        userId,
        connectorId: "local",
        clientStates: {
          "example-app": {
            authenticatedAt: ms(now),
            lastActivity: ms(now),
            lastTokenIssuedAt: unsetTime,
            viaSso: false,
          },
        },
        createdAt: ms(now),
        lastActivity: ms(now),
        ipAddress: "203.0.113.9",
        userAgent: "Mozilla/5.0",
        absoluteExpiry: ms(tomorrow),
        idleExpiry: ms(at(6, "16:14:24")),
      },
    ),
  ];
}
