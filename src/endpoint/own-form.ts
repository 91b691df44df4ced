import { type HttpRequest, PageError } from "../http/contract.ts";
import type { HiddenField } from "../page/layout.ts";
import { ensureBrowserSecret, readBrowserSecrets } from "./browser-secret.ts";
import type { Provider } from "./provider.ts";

/**
 * Forms that people send before they are signed in: bound to the browser that was shown them, so that no other site sends
 * one in a person's name (CSRF). `Origin` says nothing here (see `http/security-headers.ts`).
 */
export interface OwnForm {
  readonly hidden: readonly HiddenField[];
  /** To be set with the page; undefined when the browser has one. */
  readonly cookie: string | undefined;
}

const purpose = "own-form";
const field = "csrf";

export function ownForm(request: HttpRequest, provider: Provider): OwnForm {
  const browser = ensureBrowserSecret(request, isSecure(provider), provider.random);
  const value = provider.flow.sealer.seal(purpose, `${request.path} ${browser.values[0]}`, "");
  return { hidden: [{ name: field, value }], cookie: browser.cookie };
}

/** @throws {PageError} The form is not ours, or not of this browser. */
export function assertOwnForm(request: HttpRequest, { flow }: Provider): void {
  const sent = request.form().get(field) ?? "";
  const isOurs = readBrowserSecrets(request, flow.policy.issuer.startsWith("https:")).some(
    (secret) => flow.sealer.open(purpose, `${request.path} ${secret}`, sent) !== undefined,
  );
  if (!isOurs) throw new PageError(403, "refusal.formOld");
}

const isSecure = ({ flow }: Provider): boolean => flow.policy.issuer.startsWith("https:");
