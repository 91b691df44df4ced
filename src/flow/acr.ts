import { acr } from "../oauth/acr.ts";
import type { FlowRequest } from "./contract.ts";

/** How strong a login is. */
export interface Strength {
  /** What the upstream says of it, in its own words. */
  readonly acr?: string;
  /** What our own factors make of it, strongest first. */
  readonly contexts?: readonly string[];
}

/** The contexts that a login has met: the upstream's own word for it, if it has one, then ours. OIDC Core §2 `acr`. */
const contextsOf = ({ acr: upstream, contexts = [] }: Strength): readonly string[] => [
  ...(upstream === undefined ? [] : [upstream]),
  ...contexts,
  acr.single,
];

/** Whether a login is strong enough for a request. OIDC Core §5.5.1.1. */
export const meetsAcr = ({ acrIsEssential, acrValues }: FlowRequest, login: Strength): boolean =>
  !acrIsEssential || acrValues.some((value) => contextsOf(login).includes(value));

/** What the ID token says: the best wish that was met, else what was; nothing where nobody asked. */
export function acrFor({ namedClaims, acrValues }: FlowRequest, login: Strength): { readonly acr?: string } {
  if (namedClaims?.idToken.includes("acr") !== true) return {};
  const contexts = contextsOf(login);
  const told = acrValues.find((value) => contexts.includes(value)) ?? contexts[0];
  return told === undefined ? {} : { acr: told };
}

/**
 * The context that a further factor should bring, of those that factors can: the first that the client insists on, or
 * the one that it would like best. A silent request is not stepped up for a mere wish. OIDC Core §3.1.2.1 `acr_values`.
 */
export function contextToReach(
  request: FlowRequest,
  login: Strength,
  attainable: readonly string[],
): string | undefined {
  const { acrValues, acrIsEssential, prompt } = request;
  const met = contextsOf(login);
  if (acrIsEssential) {
    return acrValues.some((value) => met.includes(value)) ? undefined : acrValues.find((v) => attainable.includes(v));
  }
  const [best = ""] = acrValues;
  return !prompt.includes("none") && attainable.includes(best) && !met.includes(best) ? best : undefined;
}
