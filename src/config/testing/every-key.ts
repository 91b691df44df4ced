/** A configuration that names every key there is, for tests. Valid as it stands. */
export const everyKey = `
issuer: https://dex.example.com/dex
storage:
  type: postgres
  config:
    host: db.internal
    port: 5432
    database: dex
    user: dex
    password: $DEX_DB_PASSWORD
    connectionTimeout: 10
    maxOpenConns: 20
    maxIdleConns: 5
    connMaxLifetime: 300
    ssl: { mode: verify-full, caFile: /etc/dex/pg/ca.pem, certFile: /etc/dex/pg/c.pem, keyFile: /etc/dex/pg/k.pem }
web:
  http: 0.0.0.0:5556
  https: 0.0.0.0:5554
  tlsCert: /etc/dex/tls/tls.crt
  tlsKey: /etc/dex/tls/tls.key
  tlsMinVersion: "1.2"
  tlsMaxVersion: "1.3"
  headers:
    Content-Security-Policy: "default-src 'self'; frame-ancestors 'none'"
    X-Frame-Options: DENY
    X-Content-Type-Options: nosniff
    X-XSS-Protection: "0"
    Strict-Transport-Security: max-age=31536000
  allowedOrigins: ["https://app.example.com"]
  allowedHeaders: [Authorization, X-Custom]
  clientRemoteIP:
    header: X-Forwarded-For
    trustedProxies: [10.0.0.0/8, 2001:db8::/32]
telemetry:
  http: 0.0.0.0:5558
  enableProfiling: false
  traces:
    endpoint: http://collector:4318/v1/traces
    headers: authorization=Bearer t0p-secret
    headersEnv: ""
    sampleRatio: 0.5
    serviceName: login
grpc:
  addr: 0.0.0.0:5557
  tlsCert: /etc/dex/grpc/server.crt
  tlsKey: /etc/dex/grpc/server.key
  tlsClientCA: /etc/dex/grpc/ca.crt
  tlsMinVersion: "1.2"
  tlsMaxVersion: "1.3"
  reflection: true
logger: { level: info, format: json, excludeFields: [email, username, preferred_username, groups], auditFile: stdout, trailFile: /var/lib/dex/trails.jsonl }
frontend:
  dir: /srv/dex/web
  theme: dark
  issuer: Example SSO
  logoURL: https://static.example.com/logo.png
  extra: { support: help@example.com }
expiry:
  idTokens: 1h
  authRequests: 10m
  deviceRequests: 5m
  refreshTokens: { disableRotation: false, reuseInterval: 3s, validIfNotUsedFor: 2160h, absoluteLifetime: 3960h }
signer:
  type: local
  config: { keysRotationPeriod: 6h, algorithm: ES256 }
oauth2:
  grantTypes: [authorization_code, refresh_token, client_credentials, "urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange", password, implicit]
  responseTypes: [code, token, id_token, "code token", "code id_token", "id_token token", "code id_token token"]
  skipApprovalScreen: true
  alwaysShowLoginScreen: false
  passwordConnector: local
  anonymousIntrospection: false
  pkce: { enforce: true, codeChallengeMethodsSupported: [S256] }
staticClients:
  - id: web
    secret: web-secret
    name: Web
    redirectURIs: ["https://app.example.com/callback"]
    postLogoutRedirectURIs: ["https://app.example.com/"]
    backchannelLogoutURI: https://app.example.com/backchannel
    frontchannelLogoutURI: https://app.example.com/frontchannel
    refreshTokenLifetime: session
    trustedPeers: [cli]
    logoURL: https://app.example.com/logo.png
    allowedConnectors: [local, github]
    mfaChain: [totp, key]
    ssoSharedWith: ["*"]
    clientCredentialsClaims: { groups: [robots] }
  - id: cli
    public: true
    name: CLI
    redirectURIs: ["http://127.0.0.1:8000", /device/callback]
  - idEnv: SVC_ID
    secretEnv: SVC_SECRET
    name: Service
enablePasswordDB: true
staticPasswords:
  - email: Admin@Example.com
    username: admin
    name: Admin
    preferredUsername: root
    emailVerified: true
    userID: 08a8684b-db88-4b73-90a9-3cd1661f5466
    groups: [admins]
    hash: "$2a$10$2b2cU8CPhOTaGrs1HRQuAueS7JTT5ZHsHSzYiFPm1leZck7Mc8T4W"   # "password"
  - email: ops@example.com
    hashFromEnv: OPS_HASH
enableSignup: true
signup:
  breachedPasswords: /etc/dex/breached.txt
  assumeEmailVerified: false
  maxPerHour: 5
mail:
  from: Example SSO <no-reply@example.com>
  host: smtp.example.com
  port: 587
  tls: starttls
  rootCA: /etc/dex/smtp-ca.pem
  username: dex
  password: ""
  passwordEnv: SMTP_PASSWORD
connectors:
  - type: github
    id: github
    name: GitHub
    grantTypes: [authorization_code, refresh_token]
    config: { clientID: $GITHUB_ID, clientSecret: $GITHUB_SECRET, redirectURI: https://dex.example.com/dex/callback, orgs: [{ name: acme, teams: [sre] }] }
sessions:
  cookieName: dex_session
  absoluteLifetime: 24h
  validIfNotUsedFor: 1h
  rememberMeCheckedByDefault: false
  cookieEncryptionKey: 0123456789abcdef0123456789abcdef
  ssoSharedWithDefault: none
  checkSessionIframe: true
mfa:
  authenticators:
    - { id: totp, type: TOTP, config: { issuer: Example SSO }, connectorTypes: [local, ldap] }
    - id: key
      type: WebAuthn
      config: { rpDisplayName: Example SSO, rpID: dex.example.com, rpOrigins: ["https://dex.example.com"], attestationPreference: none, userVerification: required, authenticatorAttachment: cross-platform, timeout: 60s }
  defaultMFAChain: [totp]
`;

/** The environment it refers to. */
export const everyKeyEnv = {
  DEX_DB_PASSWORD: "database password",
  GITHUB_ID: "github id",
  GITHUB_SECRET: "github secret",
  SVC_ID: "service",
  SVC_SECRET: "service secret",
  SMTP_PASSWORD: "smtp password",
  OPS_HASH: "$2a$10$2b2cU8CPhOTaGrs1HRQuAueS7JTT5ZHsHSzYiFPm1leZck7Mc8T4W",
};
