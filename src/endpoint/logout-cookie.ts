import type { LogoutOutcome } from "../flow/logout-outcome.ts";
import type { LogoutTarget } from "../flow/logout-step.ts";
import { isStateHandle } from "../flow/sealed-request.ts";
import type { HttpRequest } from "../http/contract.ts";
import { setCookie } from "../http/cookies.ts";
import type { Provider } from "./provider.ts";

/** What is remembered while the browser is at the upstream. */
export interface Away {
  readonly next: LogoutTarget;
  readonly outcome: LogoutOutcome;
}

/** It waits in the browser, sealed, under the handle that comes back with it. */
const prefix = "dex_logout_";
const purpose = "logout/away";
/** Seconds that a person may spend at the upstream's page. */
const lifetime = 3600;

const attributesOf = ({ flow }: Provider, maxAge: number) =>
  ({
    path: `${flow.policy.issuerPath.replace(/\/$/, "")}/logout`,
    maxAge,
    httpOnly: true,
    secure: flow.policy.issuer.startsWith("https:"),
    sameSite: "Lax",
  }) as const;

export function logoutCookie(handle: string, away: Away, provider: Provider): string {
  const sealed = provider.flow.sealer.seal(purpose, handle, JSON.stringify(away));
  return setCookie(prefix + handle, sealed, attributesOf(provider, lifetime));
}

/** What waits under `handle`, and the cookie that takes it away; once. An upstream that keeps no state gets the only one there is. */
export function takeAway(
  handle: string,
  { cookies }: HttpRequest,
  provider: Provider,
): { readonly away: Away; readonly cookie: string } | undefined {
  const held = Object.keys(cookies).filter((name) => name.startsWith(prefix));
  const name = isStateHandle(handle) ? prefix + handle : held.length === 1 ? (held[0] ?? "") : "";
  const sealed = cookies[name];
  if (sealed === undefined) return undefined;
  const text = provider.flow.sealer.open(purpose, name.slice(prefix.length), sealed);
  if (text === undefined) return undefined;
  // The seal authenticates the text, so it is ours and needs no second schema.
  return { away: JSON.parse(text) as Away, cookie: setCookie(name, "", attributesOf(provider, 0)) };
}
