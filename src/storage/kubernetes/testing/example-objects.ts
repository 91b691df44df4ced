/** One object of every kind as Dex posts it, without metadata; the records are those of the example rows. Dex commit ab64ed77. */
import type { KindName } from "../../records.ts";

export interface ExampleObject {
  readonly name: string;
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
export function exampleObjects(fraction: "123456789" | "123"): Readonly<Partial<Record<KindName, ExampleObject>>> {
  const at = (day: number, clock: string): string => `"2026-08-0${day}T${clock}.${fraction}Z"`;
  const now = at(6, "15:14:24");
  const tomorrow = at(7, "15:14:24");
  const never = '"0001-01-01T00:00:00Z"';
  return {
    clients: {
      name: "mv4gc3lqnrss2ylqodf7fhheqqrcgji",
      text:
        '{"id":"example-app","secret":"ZXhhbXBsZS1hcHAtc2VjcmV0","redirectURIs":["http://127.0.0.1:5555/callback"],' +
        '"public":false,"name":"Example App","ssoSharedWith":null}',
    },
    authRequests: {
      name: "p2x7vqk3m5n4b6c7d2f3g4h5j",
      text:
        `{"clientID":"example-app","responseTypes":["code"],"scopes":${scopes},` +
        `"redirectURI":"http://127.0.0.1:5555/callback","state":"xyz","loggedIn":true,"claims":${claims},` +
        `"connectorID":"local","expiry":${tomorrow},${challenge},` +
        `"hmac_key":"${base64("kx3q2v7n4m5c6b7z2a3s4d5f6g7h2j3k4l5q6w7e2r3t4y5u6i7")}","mfa_validated":false,` +
        `"maxAge":-1,"authTime":${now}}`,
    },
    authCodes: {
      name: "q3y7wrl4n6p5c7d2f3g4h5j6k",
      text:
        `{"clientID":"example-app","scopes":${scopes},"redirectURI":"http://127.0.0.1:5555/callback",` +
        `"claims":${claims},"connectorID":"local","expiry":${at(6, "15:44:24")},${challenge},"authTime":${now},` +
        '"sessionID":"t6b4zup7r3s2g4h5j6k7l2m3n"}',
    },
    refreshTokens: {
      name: "r4z2xsm5p7q6d2f3g4h5j6k7l",
      text:
        `{"CreatedAt":${now},"LastUsed":${now},"clientID":"example-app","scopes":${scopes},` +
        `"token":"s5a3ytn6q2r7f3g4h5j6k7l2m","claims":${claims},"connectorID":"local"}`,
    },
    passwords: {
      name: "mfsg22loibsxqylnobwgkltdn5w4x4u44scceizf",
      text:
        `{"email":"admin@example.com","hash":"${base64("$2a$10$2b2cU8CPhOTaGrs1HRQuAueS7JTT5ZHsHSzYiFPm1leZck7Mc8T4W")}",` +
        '"username":"admin","name":"Admin User","preferredUsername":"admin","emailVerified":true,' +
        `"userID":"${user}","groups":["team-a"]}`,
    },
    offlineSessions: {
      name: "3opdnr6v5xfwg",
      text:
        `{"userID":"${user}","connID":"local","refresh":{"example-app":{"ID":"r4z2xsm5p7q6d2f3g4h5j6k7l",` +
        `"ClientID":"example-app","CreatedAt":${now},"LastUsed":${now},"SessionID":"t6b4zup7r3s2g4h5j6k7l2m3n"}}}`,
    },
    connectors: {
      name: "google",
      text:
        '{"id":"google","type":"oidc","name":"Google",' +
        `"config":"${base64('{"issuer":"https://accounts.google.com","clientID":"foo","clientSecret":"bar"}')}"}`,
    },
    keys: {
      name: "openid-connect-keys",
      text:
        `{"signingKey":${current},"d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"},"signingKeyPub":${current}},` +
        `"verificationKeys":[{"publicKey":${retired}},"expiry":${tomorrow}}],"nextRotation":${at(6, "21:14:24")}}`,
    },
    deviceRequests: {
      name: "bcdf-ghjk",
      text:
        '{"device_code":"v2d6bwr3t5u4j6k7l2m3n4p5qx7y2z3a4b5c6d7e2f3g4h5j6k7","client_id":"example-device-client",' +
        `"scopes":["openid","email"],"expiry":${at(6, "15:19:24")}}`,
    },
    deviceTokens: {
      name: "v2d6bwr3t5u4j6k7l2m3n4p5qx7y2z3a4b5c6d7e2f3g4h5j6k7",
      text:
        `{"status":"authorization_pending","expiry":${at(6, "15:19:24")},"last_request":${now},"poll_interval":0,` +
        '"code_challenge_method":"plain"}',
    },
    userIdentities: {
      name: "3opdnr6v5xfwg",
      text:
        `{"userID":"${user}","connectorID":"local","claims":${claims},"consents":{"example-app":${scopes}},` +
        '"mfaSecrets":{"totp-1":{"authenticatorID":"totp-1","type":"TOTP","secret":"otpauth://totp/dex-1:%28local%29' +
        "%20admin@example.com?algorithm=SHA1\\u0026digits=6\\u0026issuer=dex-1\\u0026period=30\\u0026secret=" +
        `JBSWY3DPEHPK3PXP","confirmed":true,"createdAt":${now},"lastUsedCounter":59536208}},"webauthnCredentials":` +
        '{"webauthn-1":[{"credentialID":"Y3JlZC0x","publicKey":"Y29zZS1rZXk=","attestationType":"none",' +
        '"aaguid":"AAAAAAAAAAAAAAAAAAAAAA==","signCount":1,"cloneWarning":false,"transport":["usb"],' +
        `"backupEligible":false,"backupState":false,"displayName":"Security Key","createdAt":${now}}]},` +
        `"createdAt":${now},"lastLogin":${now},"blockedUntil":${never}}`,
    },
    authSessions: {
      name: "t6b4zup7r3s2g4h5j6k7l2m3n",
      text:
        `{"userID":"${user}","connectorID":"local","secret":"u7c5avq2s4t3h5j6k7l2m3n4p",` +
        `"clientStates":{"example-app":{"AuthenticatedAt":${now},"LastActivity":${now},` +
        `"LastTokenIssuedAt":${never},"ViaSSO":false}},"createdAt":${now},"lastActivity":${now},` +
        `"ipAddress":"203.0.113.9","userAgent":"Mozilla/5.0","absoluteExpiry":${tomorrow},"idleExpiry":${at(6, "16:14:24")}}`,
    },
  };
}
