import type { HttpAnswer, HttpRequest, Route } from "../http/contract.ts";
import { accountEndpoint } from "./account.ts";
import { addFactorEndpoint } from "./account-add-factor.ts";
import { changeEmailEndpoint, changePasswordEndpoint } from "./account-credentials.ts";
import { approvalEndpoint } from "./approval.ts";
import { authorizeEndpoint } from "./authorize.ts";
import { callbackEndpoint } from "./callback.ts";
import { checkSessionEndpoint } from "./check-session.ts";
import { connectorLoginEndpoint } from "./connector-login.ts";
import { deviceCallbackEndpoint, deviceEndpoint, deviceQrEndpoint, verifyUserCodeEndpoint } from "./device.ts";
import { deviceAuthorizationEndpoint } from "./device-authorization.ts";
import { discoveryEndpoint } from "./discovery.ts";
import { healthEndpoint } from "./health.ts";
import { homeEndpoint } from "./home.ts";
import { introspectionEndpoint } from "./introspection.ts";
import { keysEndpoint } from "./keys.ts";
import { logoutEndpoint } from "./logout.ts";
import { logoutCallbackEndpoint } from "./logout-callback.ts";
import { mfaEndpoint } from "./mfa.ts";
import { recoveryEndpoint } from "./mfa-recovery.ts";
import { totpEndpoint } from "./mfa-totp.ts";
import {
  webauthnEndpoint,
  webauthnLoginBeginEndpoint,
  webauthnLoginFinishEndpoint,
  webauthnRegisterBeginEndpoint,
  webauthnRegisterFinishEndpoint,
} from "./mfa-webauthn.ts";
import { passkeyLoginEndpoint } from "./passkey-login.ts";
import { passwordLoginEndpoint } from "./password-login.ts";
import type { Provider } from "./provider.ts";
import { revocationEndpoint } from "./revocation.ts";
import { confirmEmailEndpoint, forgotEndpoint, resetEndpoint, verifyEndpoint } from "./self-service.ts";
import { signupEndpoint } from "./signup.ts";
import { tokenEndpoint } from "./token.ts";
import { upstreamLogoutEndpoint } from "./upstream-logout.ts";
import { userinfoEndpoint } from "./userinfo.ts";

type Endpoint = (request: HttpRequest, provider: Provider) => Promise<HttpAnswer> | HttpAnswer;

interface Entry {
  readonly path: string;
  readonly endpoint: Endpoint;
  readonly surface: Route["surface"];
  /** Read by scripts of other origins. */
  readonly cors?: true;
}

/**
 * Every address below the issuer's path, but for static files. What is well known is also where RFC 8414 §3.1 puts
 * it, before that path, if the proxy in front of us lets it through.
 */
const table: readonly Entry[] = [
  { path: "/.well-known/openid-configuration", endpoint: discoveryEndpoint, surface: "json", cors: true },
  { path: "/.well-known/oauth-authorization-server", endpoint: discoveryEndpoint, surface: "json", cors: true },
  { path: "/keys", endpoint: keysEndpoint, surface: "json", cors: true },
  { path: "/auth", endpoint: authorizeEndpoint, surface: "page" },
  { path: "/auth/{connector}", endpoint: connectorLoginEndpoint, surface: "page" },
  { path: "/auth/{connector}/login", endpoint: passwordLoginEndpoint, surface: "page" },
  { path: "/callback", endpoint: callbackEndpoint, surface: "page" },
  { path: "/callback/{connector}", endpoint: callbackEndpoint, surface: "page" },
  { path: "/approval", endpoint: approvalEndpoint, surface: "page" },
  { path: "/token", endpoint: tokenEndpoint, surface: "json", cors: true },
  { path: "/device", endpoint: deviceEndpoint, surface: "page" },
  { path: "/device/qr", endpoint: deviceQrEndpoint, surface: "page" },
  { path: "/device/code", endpoint: deviceAuthorizationEndpoint, surface: "json" },
  { path: "/device/auth/verify_code", endpoint: verifyUserCodeEndpoint, surface: "page" },
  { path: "/device/callback", endpoint: deviceCallbackEndpoint, surface: "page" },
  { path: "/token/introspect", endpoint: introspectionEndpoint, surface: "json", cors: true },
  { path: "/token/revoke", endpoint: revocationEndpoint, surface: "json", cors: true },
  { path: "/userinfo", endpoint: userinfoEndpoint, surface: "json", cors: true },
  { path: "/signup", endpoint: signupEndpoint, surface: "asked" },
  { path: "/healthz", endpoint: healthEndpoint, surface: "page" },
  { path: "", endpoint: homeEndpoint, surface: "page", cors: true },
];

/** What there is only where logins are remembered. compat(dex): otherwise a plain 404. */
const sessionTable: readonly Entry[] = [
  { path: "/logout", endpoint: logoutEndpoint, surface: "page" },
  { path: "/logout/callback", endpoint: logoutCallbackEndpoint, surface: "page" },
  { path: "/logout/upstream/{connector}", endpoint: upstreamLogoutEndpoint, surface: "page" },
  { path: "/session/check", endpoint: checkSessionEndpoint, surface: "page" },
  { path: "/account", endpoint: accountEndpoint, surface: "page" },
  { path: "/account/factor", endpoint: addFactorEndpoint, surface: "page" },
  { path: "/mfa", endpoint: mfaEndpoint, surface: "page" },
  { path: "/mfa/totp", endpoint: totpEndpoint, surface: "page" },
  { path: "/mfa/recovery", endpoint: recoveryEndpoint, surface: "page" },
  { path: "/mfa/webauthn", endpoint: webauthnEndpoint, surface: "page" },
  { path: "/mfa/webauthn/register/begin", endpoint: webauthnRegisterBeginEndpoint, surface: "page" },
  { path: "/mfa/webauthn/register/finish", endpoint: webauthnRegisterFinishEndpoint, surface: "page" },
  { path: "/mfa/webauthn/login/begin", endpoint: webauthnLoginBeginEndpoint, surface: "page" },
  { path: "/mfa/webauthn/login/finish", endpoint: webauthnLoginFinishEndpoint, surface: "page" },
];

/** What there is only where passwords are kept here. */
const passwordTable: readonly Entry[] = [
  { path: "/signup/verify", endpoint: verifyEndpoint, surface: "page" },
  { path: "/password/forgot", endpoint: forgotEndpoint, surface: "page" },
  { path: "/password/reset", endpoint: resetEndpoint, surface: "page" },
  { path: "/account/email/confirm", endpoint: confirmEmailEndpoint, surface: "page" },
];

/** What there is only where both are. */
const passwordSessionTable: readonly Entry[] = [
  { path: "/auth/{connector}/passkey", endpoint: passkeyLoginEndpoint, surface: "page" },
  { path: "/account/password", endpoint: changePasswordEndpoint, surface: "page" },
  { path: "/account/email", endpoint: changeEmailEndpoint, surface: "page" },
];

/** What the addresses depend on. */
export interface Surface {
  readonly issuerPath: string;
  /** Whether logins are remembered. */
  readonly hasSessions: boolean;
  /** Whether there is a password database of our own. */
  readonly hasPasswords: boolean;
}

/** @param provider Throws UnavailableError as long as there is none: the database does not answer yet. */
export function routesOf(surfaceOf: Surface, provider: () => Provider): readonly Route[] {
  const { hasSessions, hasPasswords } = surfaceOf;
  const entries = [
    ...table,
    ...(hasSessions ? sessionTable : []),
    ...(hasPasswords ? passwordTable : []),
    ...(hasSessions && hasPasswords ? passwordSessionTable : []),
  ];
  const below = entries.map(({ path, endpoint, surface, cors }) => ({
    path,
    surface,
    ...(cors === undefined ? {} : { cors }),
    handler: async (request: HttpRequest) => {
      const current = provider();
      return current.sessionCookies.finish(request, await endpoint(request, current));
    },
  }));
  const issuerPath = surfaceOf.issuerPath.replace(/\/$/, "");
  if (issuerPath === "") return below;
  const wellKnown = below.filter(({ path }) => path.startsWith("/.well-known/"));
  return [...below, ...wellKnown.map((route) => ({ ...route, path: `${route.path}${issuerPath}`, isAtRoot: true }))];
}
