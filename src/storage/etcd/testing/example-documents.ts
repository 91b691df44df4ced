/** One value of every kind as Dex writes it into etcd, with its key; the records are those of the example rows. Dex commit ab64ed77. */
import type { KindName } from "../../records.ts";

export interface ExampleDocument {
  readonly key: string;
  readonly text: string;
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const user = "08a8684b-db88-4b73-90a9-3cd1661f5466";
const claims = `{"userID":"${user}","username":"admin","preferredUsername":"admin","email":"admin@example.com","emailVerified":true,"groups":["team-a"]}`;
const scopes = '["openid","email","offline_access"]';
const challenge = '"code_challenge":"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM","code_challenge_method":"S256"';
const jwk = (kid: string, x: string, y: string): string =>
  `{"use":"sig","kty":"EC","kid":"${kid}","crv":"P-256","alg":"ES256","x":"${x}","y":"${y}"`;
const current = jwk(
  "9d44741f773b938cf65dd326685b86180c324d99",
  "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
  "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
);
const retired = jwk(
  "1f2e3d4c5b6a79880f1e2d3c4b5a69788796a5b4",
  "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
  "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
);

/** `fraction` are the digits of every time's second. */
export function exampleDocuments(fraction: "123456789" | "123"): Readonly<Partial<Record<KindName, ExampleDocument>>> {
  const at = (day: number, clock: string): string => `"2026-08-0${day}T${clock}.${fraction}Z"`;
  const now = at(6, "15:14:24");
  const tomorrow = at(7, "15:14:24");
  const never = '"0001-01-01T00:00:00Z"';
  return {
    clients: {
      key: "client/example-app",
      text:
        '{"id":"example-app","idEnv":"","secret":"ZXhhbXBsZS1hcHAtc2VjcmV0","secretEnv":"",' +
        '"redirectURIs":["http://127.0.0.1:5555/callback"],"postLogoutRedirectURIs":null,"backchannelLogoutURI":"",' +
        '"refreshTokenLifetime":"","trustedPeers":null,"public":false,"name":"Example App","logoURL":"",' +
        '"allowedConnectors":null,"mfaChain":null,"ssoSharedWith":null}',
    },
    authRequests: {
      key: "auth_req/p2x7vqk3m5n4b6c7d2f3g4h5j",
      text:
        '{"id":"p2x7vqk3m5n4b6c7d2f3g4h5j","client_id":"example-app","response_types":["code"],' +
        `"scopes":${scopes},"redirect_uri":"http://127.0.0.1:5555/callback","nonce":"","state":"xyz",` +
        `"force_approval_prompt":false,"expiry":${tomorrow},"logged_in":true,"claims":${claims},` +
        `"connector_id":"local","connector_data":null,${challenge},` +
        `"hmac_key":"${base64("kx3q2v7n4m5c6b7z2a3s4d5f6g7h2j3k4l5q6w7e2r3t4y5u6i7")}",` +
        `"mfa_validated":false,"max_age":-1,"auth_time":${now}}`,
    },
    authCodes: {
      key: "auth_code/q3y7wrl4n6p5c7d2f3g4h5j6k",
      text:
        '{"ID":"q3y7wrl4n6p5c7d2f3g4h5j6k","clientID":"example-app","redirectURI":"http://127.0.0.1:5555/callback",' +
        `"scopes":${scopes},"connectorID":"local","claims":${claims},"expiry":${at(6, "15:44:24")},${challenge},` +
        `"auth_time":${now},"session_id":"t6b4zup7r3s2g4h5j6k7l2m3n"}`,
    },
    refreshTokens: {
      key: "refresh_token/r4z2xsm5p7q6d2f3g4h5j6k7l",
      text:
        '{"id":"r4z2xsm5p7q6d2f3g4h5j6k7l","token":"s5a3ytn6q2r7f3g4h5j6k7l2m","obsolete_token":"",' +
        `"created_at":${now},"last_used":${now},"client_id":"example-app","connector_id":"local",` +
        `"connector_data":null,"claims":${claims},"scopes":${scopes},"nonce":""}`,
    },
    passwords: {
      key: "password/admin@example.com",
      text:
        `{"email":"admin@example.com","hash":"${base64("$2a$10$2b2cU8CPhOTaGrs1HRQuAueS7JTT5ZHsHSzYiFPm1leZck7Mc8T4W")}",` +
        '"hashFromEnv":"","username":"admin","name":"Admin User","preferredUsername":"admin","emailVerified":true,' +
        `"userID":"${user}","groups":["team-a"]}`,
    },
    offlineSessions: {
      key: `offline_session/${user}|local`,
      text:
        `{"user_id":"${user}","conn_id":"local","refresh":{"example-app":{"ID":"r4z2xsm5p7q6d2f3g4h5j6k7l",` +
        `"ClientID":"example-app","CreatedAt":${now},"LastUsed":${now},"SessionID":"t6b4zup7r3s2g4h5j6k7l2m3n"}}}`,
    },
    connectors: {
      key: "connector/google",
      text:
        '{"id":"google","type":"oidc","name":"Google","resourceVersion":"1",' +
        `"email":"${base64('{"issuer":"https://accounts.google.com","clientID":"foo","clientSecret":"bar"}')}"}`,
    },
    keys: {
      key: "openid-connect-keys",
      text:
        `{"SigningKey":${current},"d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"},"SigningKeyPub":${current}},` +
        `"VerificationKeys":[{"publicKey":${retired}},"expiry":${tomorrow}}],"NextRotation":${at(6, "21:14:24")}}`,
    },
    deviceRequests: {
      key: "device_req/BCDF-GHJK",
      text:
        '{"user_code":"BCDF-GHJK","device_code":"v2d6bwr3t5u4j6k7l2m3n4p5qx7y2z3a4b5c6d7e2f3g4h5j6k7",' +
        `"client_id":"example-device-client","client_secret":"","scopes":["openid","email"],"expiry":${at(6, "15:19:24")}}`,
    },
    deviceTokens: {
      key: "device_token/v2d6bwr3t5u4j6k7l2m3n4p5qx7y2z3a4b5c6d7e2f3g4h5j6k7",
      text:
        '{"device_code":"v2d6bwr3t5u4j6k7l2m3n4p5qx7y2z3a4b5c6d7e2f3g4h5j6k7","status":"authorization_pending",' +
        `"token":"","expiry":${at(6, "15:19:24")},"last_request":${now},"poll_interval":0,"code_challenge_method":"plain"}`,
    },
    userIdentities: {
      key: `user_identity/${user}|local`,
      text:
        `{"user_id":"${user}","connector_id":"local","claims":${claims},"consents":{"example-app":${scopes}},` +
        '"mfa_secrets":{"totp-1":{"authenticatorID":"totp-1","type":"TOTP","secret":"otpauth://totp/dex-1:%28local%29' +
        "%20admin@example.com?algorithm=SHA1\\u0026digits=6\\u0026issuer=dex-1\\u0026period=30\\u0026secret=" +
        `JBSWY3DPEHPK3PXP","confirmed":true,"createdAt":${now},"lastUsedCounter":59536208}},"webauthn_credentials":` +
        '{"webauthn-1":[{"credentialID":"Y3JlZC0x","publicKey":"Y29zZS1rZXk=","attestationType":"none",' +
        '"aaguid":"AAAAAAAAAAAAAAAAAAAAAA==","signCount":1,"cloneWarning":false,"transport":["usb"],' +
        `"backupEligible":false,"backupState":false,"displayName":"Security Key","createdAt":${now}}]},` +
        `"created_at":${now},"last_login":${now},"blocked_until":${never}}`,
    },
    authSessions: {
      key: "auth_session/t6b4zup7r3s2g4h5j6k7l2m3n",
      text:
        `{"id":"t6b4zup7r3s2g4h5j6k7l2m3n","secret":"u7c5avq2s4t3h5j6k7l2m3n4p","user_id":"${user}",` +
        `"connector_id":"local","client_states":{"example-app":{"AuthenticatedAt":${now},"LastActivity":${now},` +
        `"LastTokenIssuedAt":${never},"ViaSSO":false}},"created_at":${now},"last_activity":${now},` +
        '"ip_address":"203.0.113.9","user_agent":"Mozilla/5.0",' +
        `"absolute_expiry":${tomorrow},"idle_expiry":${at(6, "16:14:24")}}`,
    },
  };
}
