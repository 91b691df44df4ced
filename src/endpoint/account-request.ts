import type { AccountDeps, Asker } from "../account/account.ts";
import { type HttpRequest, PageError } from "../http/contract.ts";
import { safeBackLink } from "./back-link.ts";
import { deviceName } from "./device-name.ts";
import type { Provider } from "./provider.ts";

/** Who asks, for mails and limits. */
export const askerOf = (request: HttpRequest, provider: Provider): Asker => ({
  trail: provider.trail(request),
  locale: provider.page(request).locale,
  ipAddress: request.clientIp,
  device: deviceName(request.headers["user-agent"] ?? ""),
});

/** As long as a sealed request in an address may be, escaped. */
const longestBack = 16 * 1024;

/** Where the login goes on: a path below the issuer's, or empty. An application beside us on the same host is not ours. */
export function readBack(text: string, { flow }: Provider): string {
  const back = text.length > longestBack ? "" : safeBackLink(text);
  const base = `${flow.policy.issuerPath.replace(/\/$/, "")}/`;
  // What the browser would make of dots, too.
  return back !== "" && new URL(back, "https://own.invalid").pathname.startsWith(base) ? back : "";
}

/** A page of ours that comes back to `back`, and speaks `uiLocales` before what the browser would like. */
export function withBack(path: string, back: string, { flow }: Provider, uiLocales: readonly string[] = []): string {
  const query = new URLSearchParams({
    ...(back === "" ? {} : { back }),
    ...(uiLocales.length === 0 ? {} : { ui_locales: uiLocales.join(" ") }),
  });
  return `${flow.policy.issuerPath.replace(/\/$/, "")}${path}${query.size === 0 ? "" : `?${query}`}`;
}

/** @throws {PageError} There is no password database. */
export function accountDeps({ account }: Provider): AccountDeps {
  if (account === undefined) throw new PageError(404, "refusal.noPasswords");
  return account;
}

/** @throws {PageError} Another method than a form's. */
export function isPost({ method }: HttpRequest): boolean {
  if (!["GET", "HEAD", "POST"].includes(method)) throw new PageError(405, "refusal.method");
  return method === "POST";
}
