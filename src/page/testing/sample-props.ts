/** Props for tests and previews: every state of every page, the awkward ones included. Nothing else imports it. */
import type { FactorSectionProps } from "../factor-section.ts";
import type { PageContext } from "../layout.ts";
import type { PageName, Pages } from "../page-table.ts";

export const sampleContext: PageContext = {
  issuerName: "Example Corp",
  logoUrl: "theme/logo.png",
  requestPath: "/dex/auth",
  serverPath: "/dex",
  theme: "light",
  locale: "en",
  traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
};

type Samples = { readonly [Name in PageName]: Readonly<Record<string, Parameters<Pages[Name]>[1]>> };

const types =
  "google github gitlab microsoft local ldap saml oidc bitbucket-cloud gitea keystone linkedin atlassian-crowd mockCallback openshift";
const manyConnectors = types.split(" ").map((type) => ({
  id: type,
  name: type === "local" ? "Email" : `${type.charAt(0).toUpperCase()}${type.slice(1)}`,
  url: `/dex/auth/${type}?client_id=example-app`,
  type,
}));

const longName =
  "Landesbetrieb für Informations- und Kommunikationstechnik Beispielstadt-Donaudampfschifffahrtsgesellschaftskapitän";
const rtlName = "جامعة المثال للعلوم والتقنية (2025)";

const password = {
  postUrl: "/dex/auth/local/login?state=abc",
  usernamePrompt: "Email Address",
  invalid: false,
  showRememberMe: true,
  rememberMeChecked: true,
};
const passkey = { postUrl: "/dex/auth/local/passkey?state=abc", options: `{"challenge":""'<"}`, ceremony: "1.abc" };
const approval = {
  postUrl: "/dex/approval?req=abc&hmac=def",
  req: "abc",
  user: "Ada Lovelace",
  clientName: "Grafana",
  redirectUri: "https://grafana.example.com/login/generic_oauth",
  scopes: ["openid", "profile", "email", "groups"],
};
const session = {
  username: "Ada Lovelace",
  email: "ada@example.com",
  emailVerified: true,
  groups: Array.from({ length: 14 }, (_, i) => `team-${i}:engineering`),
  connectorName: "Corporate LDAP",
  signedIn: Date.parse("2026-07-28T09:05:00Z"),
  expires: Date.parse("2026-07-29T09:05:00Z"),
  isExpiryIdle: false,
  ipAddress: "192.0.2.17",
  userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
  logoutUrl: "https://id.example.com/dex/logout",
  accountUrl: "https://id.example.com/dex/account",
};
const shownSession = {
  device: "Chrome · Windows",
  isHere: false,
  ipAddress: "192.0.2.17",
  signedIn: Date.parse("2026-07-28T09:05:00Z"),
  lastUsed: Date.parse("2026-07-28T11:15:00Z"),
  clients: [],
};
const account = {
  username: "Ada Lovelace",
  email: "ada@example.com",
  postUrl: "/dex/account",
  logoutUrl: "/dex/logout",
  csrf: "1.abc",
  consents: [],
  methods: ["Corporate LDAP"],
};
export const factorSectionSample: FactorSectionProps = {
  postUrl: "/dex/account",
  csrf: "1.abc",
  factors: [
    { id: "totp", type: "TOTP", label: "Example Corp", added: shownSession.signedIn, lastUsed: shownSession.lastUsed },
    { id: "key", keyId: "a2V5", type: "passkey", label: rtlName, added: shownSession.signedIn, isSuspect: true },
  ],
  lastStays: false,
  codesLeft: 7,
  addUrls: [{ type: "WebAuthn", name: "", url: "/dex/account/factor?authenticator=key" }],
};
const discoveryUrl = "https://id.example.com/dex/.well-known/openid-configuration";

export const samples: Samples = {
  login: {
    usual: { connectors: manyConnectors.slice(0, 5), signupUrl: "/dex/signup" },
    many: { connectors: manyConnectors },
    awkward: {
      connectors: [
        { id: "long", name: longName, url: "/dex/auth/long", type: "saml" },
        { id: "rtl", name: rtlName, url: "/dex/auth/rtl", type: "oidc" },
        { id: "down", name: "Corporate LDAP", url: "/dex/auth/down", type: "ldap", isUnavailable: true },
        { id: "odd", name: "<b>Odd</b>", url: "javascript:alert(1)", type: 'a b" onclick="x' },
      ],
    },
    none: { connectors: [] },
  },
  password: {
    usual: {
      ...password,
      backLink: "/dex/auth?client_id=a",
      signupUrl: "/dex/signup",
      forgotUrl: "/dex/password/forgot",
    },
    invalid: {
      ...password,
      connectorName: "Corporate LDAP",
      usernamePrompt: "Username",
      username: "ada",
      invalid: true,
      backLink: "/dex/auth?client_id=a",
    },
    bare: { ...password, showRememberMe: false },
    expired: { ...password, username: "ada", invalid: true, expired: true },
    awkward: {
      ...password,
      connectorName: longName,
      usernamePrompt: longName,
      username: `${rtlName}"><script>`,
      rememberMeChecked: false,
      hidden: [{ name: "csrf", value: "<&\">'" }],
    },
    passkey: { ...password, passkey: { ...passkey, isRefused: false }, signupUrl: "/dex/signup" },
    passkeyRefused: { ...password, passkey: { ...passkey, isRefused: true } },
  },
  signup: {
    usual: { postUrl: "/dex/signup", backLink: "/dex/auth/local", minPasswordLength: 8 },
    refused: {
      postUrl: "/dex/signup",
      email: "ada@example",
      username: rtlName,
      error: "This email address is not complete.",
      minPasswordLength: 8,
    },
  },
  selfService: {
    forgot: { kind: "forgot", postUrl: "/dex/password/forgot", backLink: "/dex/auth/local/login?state=1" },
    reset: {
      kind: "reset",
      postUrl: "/dex/password/reset",
      minPasswordLength: 8,
      hidden: [{ name: "token", value: "a" }],
    },
    refused: { kind: "reset", postUrl: "/dex/password/reset", minPasswordLength: 8, error: "Choose another one." },
    verify: { kind: "verify", postUrl: "/dex/signup/verify", email: `${longName}@example.com` },
    password: {
      kind: "password",
      postUrl: "/dex/account/password",
      asksCurrent: true,
      minPasswordLength: 8,
      error: "No.",
    },
    fresh: { kind: "password", postUrl: "/dex/account/password", asksCurrent: false, minPasswordLength: 8 },
    email: {
      kind: "email",
      postUrl: "/dex/account/email",
      asksCurrent: true,
      email: `"><script>`,
      backLink: "/dex/account",
    },
    again: { kind: "again", postUrl: "/dex/account/factor?authenticator=key", backLink: "/dex/account" },
    confirm: { kind: "confirm", postUrl: "/dex/account/email/confirm", email: "new@example.com" },
  },
  selfServiceResult: {
    created: { result: { done: "created" }, next: { kind: "login", url: "/dex/auth/local/login?state=1" } },
    mailed: { result: { done: "mailed" } },
    verified: { result: { done: "verified" } },
    token: { result: { failed: "token" }, next: { kind: "account", url: "/dex/account" } },
    noMail: { result: { failed: "noMail" } },
  },
  approval: {
    usual: approval,
    awkward: {
      ...approval,
      user: rtlName,
      clientName: longName,
      clientLogoUrl: "https://cdn.example.com/logo.png",
      scopes: [
        ...approval.scopes,
        "federated:id",
        "offline_access",
        "audience:server:client_id:cli",
        `audience:server:client_id:${"x".repeat(90)}`,
        `custom:${"y".repeat(120)}`,
        ...Array.from({ length: 12 }, (_, i) => `custom:${i}`),
      ],
      peerNames: new Map([["cli", "Command line"]]),
      redirectUri: "com.example.app:/callback",
    },
    nothing: { ...approval, scopes: [], redirectUri: "http://127.0.0.1:8000/" },
  },
  oob: { usual: { code: "mhy2ijdvrbg6q4wrvbrmk4glq" } },
  error: {
    request: { status: 400, sentence: "refusal.redirectUri" },
    fault: { status: 500, sentence: "refusal.database", retryUrl: "/dex/auth?client_id=a" },
    byClient: { status: 400, sentence: "refusal.refused", detail: `Invalid response type "x"` },
    awkward: {
      status: 503,
      sentence: "refusal.away",
      detail: `${rtlName} <img src=x onerror=alert(1)> ${"z".repeat(200)}`,
    },
    tooMany: { status: 429, sentence: "refusal.away", wait: 90 },
    denied: { status: 403, sentence: "refusal.connectorNotAllowed" },
  },
  logout: {
    confirm: {
      kind: "confirm",
      postUrl: "/dex/logout",
      user: "ada@example.com",
      hidden: [{ name: "state", value: "s\"'" }],
    },
    asked: { kind: "confirm", postUrl: "/dex/logout", clientName: rtlName },
    done: { kind: "done", backUrl: "https://app.example.com/" },
    reached: {
      kind: "done",
      outcome: {
        told: ["Grafana", longName],
        pending: [rtlName],
        unaware: ["<b>Old</b>"],
        upstream: { name: "Corporate LDAP", isEnded: false },
      },
    },
    frames: {
      kind: "done",
      outcome: { told: ["Grafana"], pending: [], unaware: [], upstream: { name: "Partner", isEnded: true } },
      frames: ["https://grafana.example.com/logout?iss=x&sid=y", "javascript:alert(1)"],
      next: { kind: "link", url: "https://app.example.com/?state=a%26b" },
    },
    upstream: {
      kind: "done",
      frames: [],
      next: {
        kind: "form",
        postTo: "https://idp.example.com/slo",
        fields: [{ name: "SAMLRequest", value: "PHNhbWw+" }],
      },
    },
    none: { kind: "none" },
  },
  home: {
    signedOut: { discoveryUrl },
    signedIn: { discoveryUrl, session },
    sparse: {
      discoveryUrl,
      session: {
        username: "",
        email: "ada@example.com",
        emailVerified: false,
        groups: [],
        connectorName: "",
        isExpiryIdle: true,
        ipAddress: "",
        userAgent: "",
        logoutUrl: "/logout",
      },
    },
  },
  account: {
    usual: {
      ...account,
      sessions: [
        { ...shownSession, id: "here", isHere: true, device: "Firefox · Linux", clients: ["Grafana", "Argo CD"] },
        { ...shownSession, id: "there", device: "Safari · iPhone" },
        { ...shownSession, id: "odd", device: "", ipAddress: "" },
      ],
      consents: [
        { clientId: "grafana", clientName: "Grafana", scopes: ["openid", "profile", "email", "groups"] },
        { clientId: "long", clientName: longName, scopes: ["openid", "offline_access"] },
        { clientId: "rtl", clientName: rtlName, scopes: ["openid"] },
      ],
      notice: "ended",
      security: { passwordUrl: "/dex/account/password", emailUrl: "/dex/account/email", mayResend: true },
    },
    sparse: {
      ...account,
      username: "",
      email: "",
      sessions: [{ ...shownSession, id: "here", isHere: true }],
      methods: [],
    },
  },
  device: {
    usual: { postUrl: "/dex/device/auth/verify_code", invalid: false },
    filled: { postUrl: "/dex/device/auth/verify_code", userCode: "BCDF-GHJK", invalid: false },
    scanned: {
      postUrl: "/dex/device/auth/verify_code",
      userCode: "BCDF-GHJK",
      invalid: false,
      qrUrl: "/dex/device/qr?user_code=BCDF-GHJK",
    },
    invalid: { postUrl: "/dex/device/auth/verify_code", userCode: "BCDF-GHJK", invalid: true },
  },
  deviceConfirm: {
    usual: {
      postUrl: "/dex/device/auth/verify_code",
      userCode: "BCDF-GHJK",
      confirm: "1.abc",
      clientName: "kubelogin",
      scopes: ["openid", "email", "groups"],
      peerNames: new Map(),
    },
    awkward: {
      postUrl: "/dex/device/auth/verify_code",
      userCode: "BCDF-GHJK",
      confirm: `"><script>`,
      clientName: longName,
      clientLogoUrl: "https://cdn.example.com/logo.png",
      scopes: ["openid", "audience:server:client_id:cli", "offline_access"],
      peerNames: new Map([["cli", rtlName]]),
    },
  },
  deviceResult: {
    usual: { kind: "approved", clientName: "kubelogin" },
    awkward: { kind: "approved", clientName: rtlName },
    denied: { kind: "denied", clientName: longName },
  },
  forward: {
    saml: {
      postTo: "https://idp.example.com/sso",
      fields: [
        { name: "SAMLRequest", value: "PHNhbWw+" },
        { name: "RelayState", value: "abc" },
      ],
      receiver: "upstream",
    },
    client: {
      postTo: "https://app.example.com/callback",
      fields: [
        { name: "code", value: "abc" },
        { name: "state", value: "\"'<&>" },
      ],
      receiver: "client",
    },
    automatic: { postTo: "https://issuer.example.com/callback", fields: [], receiver: "self", isAutomatic: true },
  },
  totp: {
    usual: {
      postUrl: "/dex/mfa/totp?req=abc&hmac=def",
      issuer: "Example Corp",
      invalid: false,
      others: [
        { type: "WebAuthn", url: "/dex/account?factor=key" },
        { type: "recovery", url: "/dex/mfa/recovery?req=abc" },
      ],
    },
    invalid: { postUrl: "/dex/mfa/totp?req=abc&hmac=def", issuer: rtlName, invalid: true },
    setUp: {
      postUrl: "/dex/mfa/totp?req=abc&hmac=def",
      issuer: "Example Corp",
      invalid: false,
      enrolment: {
        picture: "data:image/svg+xml;base64,PHN2Zy8+",
        uri: "otpauth://totp/a?secret=JBSWY3DPEHPK3PXP",
        seed: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
        sealed: "1.abc",
      },
    },
  },
  webauthn: {
    login: {
      mode: "login",
      exchange: {
        kind: "called",
        beginUrl: "/dex/mfa/webauthn/login/begin?req=abc",
        finishUrl: "/dex/mfa/webauthn/login/finish?req=abc",
      },
      others: [{ type: "recovery", url: "/dex/mfa/recovery?req=abc" }],
    },
    register: {
      mode: "register",
      exchange: {
        kind: "called",
        beginUrl: "/dex/mfa/webauthn/register/begin?req=abc",
        finishUrl: "/dex/mfa/webauthn/register/finish?req=abc",
      },
    },
    add: {
      mode: "register",
      invalid: true,
      name: rtlName,
      backLink: "/dex/account",
      exchange: {
        kind: "posted",
        postUrl: "/dex/account/factor?authenticator=key",
        options: `{"challenge":"<"'>"}`,
        hidden: [{ name: "ceremony", value: "1.abc" }],
      },
    },
    prove: {
      mode: "login",
      exchange: {
        kind: "posted",
        postUrl: "/dex/account",
        options: "{}",
        hidden: [{ name: "ceremony", value: "1.a" }],
      },
      others: [{ type: "TOTP", url: "/dex/account?factor=totp" }],
    },
  },
  recovery: {
    usual: { postUrl: "/dex/mfa/recovery?req=abc", backLink: "/dex/mfa/totp?req=abc", invalid: false },
    invalid: { postUrl: "/dex/mfa/recovery?req=abc", backLink: "/dex/mfa/totp?req=abc", invalid: true },
  },
  recoveryCodes: {
    usual: {
      codes: Array.from({ length: 10 }, (_, i) => `abcd${i}-efghj`),
      continueTo: "/dex/mfa",
      fields: { hmac: `"><script>`, req: "abc" },
    },
  },
};
