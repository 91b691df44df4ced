import type { HttpRequest } from "../http/contract.ts";
import { setCookie } from "../http/cookies.ts";
import type { Target } from "../token/attempt-target.ts";
import type { Origin } from "../token/attempts.ts";
import type { Provider } from "./provider.ts";

/** Seconds. */
const lifetime = 365 * 24 * 3_600;
const purpose = "known-device";

const cookieName = (account: string, isSecure: boolean): string =>
  `${isSecure ? "__Host-" : ""}dex_device_${account.slice(2, 18)}`;

const isSecure = ({ flow }: Provider): boolean => flow.policy.issuer.startsWith("https:");

/** Where a try at `target` comes from: a browser in which it was right before is counted by itself. */
export function originOf(request: HttpRequest, target: Target, provider: Provider): Origin {
  const account = provider.attempts.accountOf(target);
  const token = request.cookies[cookieName(account, isSecure(provider))];
  const device = token === undefined ? undefined : provider.flow.sealer.open(purpose, account, token);
  return { address: request.clientIp, ...(device === undefined ? {} : { device }) };
}

/** The cookie that makes this browser a known one for `target`. Good for nothing else: it lets nobody in. */
export function knownDeviceCookie(target: Target, provider: Provider): string {
  const account = provider.attempts.accountOf(target);
  const device = Buffer.from(provider.random.bytes(16)).toString("base64url");
  return setCookie(cookieName(account, isSecure(provider)), provider.flow.sealer.seal(purpose, account, device), {
    path: "/",
    maxAge: lifetime,
    httpOnly: true,
    secure: isSecure(provider),
    sameSite: "Lax",
  });
}
