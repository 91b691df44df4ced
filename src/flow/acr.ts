import { acrSupported } from "../oauth/acr.ts";
import type { FlowRequest } from "./contract.ts";

/** The contexts that a login has met: the upstream's own word for it, if it has one, then ours. OIDC Core §2 `acr`. */
const contextsOf = (upstream: string | undefined): readonly string[] =>
  upstream === undefined ? acrSupported : [upstream, ...acrSupported];

/** Whether a login is strong enough for a request; `upstream` is what its connector says of it. OIDC Core §5.5.1.1. */
export const meetsAcr = ({ acrIsEssential, acrValues }: FlowRequest, upstream: string | undefined): boolean =>
  !acrIsEssential || acrValues.some((value) => contextsOf(upstream).includes(value));

/** What the ID token says: the best wish that was met, else what was; nothing where nobody asked. */
export function acrFor(
  { namedClaims, acrValues }: FlowRequest,
  upstream: string | undefined,
): { readonly acr?: string } {
  if (namedClaims?.idToken.includes("acr") !== true) return {};
  const contexts = contextsOf(upstream);
  const acr = acrValues.find((value) => contexts.includes(value)) ?? contexts[0];
  return acr === undefined ? {} : { acr };
}
