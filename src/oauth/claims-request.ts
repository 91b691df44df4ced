import { z } from "zod";
import { scopes } from "./scope.ts";

/**
 * Claims that a request names one by one, beside those of its scopes: for the ID token, and for `/userinfo`.
 * OIDC Core §5.5. Only names that {@link scopeOfClaim} knows, and `acr`.
 */
export interface NamedClaims {
  readonly idToken: readonly string[];
  readonly userinfo: readonly string[];
}

/** The `claims` parameter, reduced to what we act on. */
export interface ClaimsRequest extends NamedClaims {
  /** Values wished for `acr`, best first; empty: none in particular. OIDC Core §5.5.1.1. */
  readonly acrValues: readonly string[];
  /** One of {@link acrValues} must be met, or there is no answer. */
  readonly acrIsEssential: boolean;
  /** The one person the answer may be about. OIDC Core §3.1.2.2. */
  readonly subject?: string;
}

/** Every claim about a person that we hold, with the scope that has it. The claim table: reference §7.2. */
const scopeOf: ReadonlyMap<string, string> = new Map([
  ["email", scopes.email],
  ["email_verified", scopes.email],
  ["groups", scopes.groups],
  ["name", scopes.profile],
  ["preferred_username", scopes.profile],
  ["federated_claims", scopes.federatedId],
]);

/** The scope that releases `claim`; undefined for what we do not hold. */
const scopeOfClaim = (claim: string): string | undefined => scopeOf.get(claim);

/** `requested` and the scopes that the named claims are part of: what a person must agree to, and policy judges. */
export function scopesAskedFor(requested: readonly string[], named: NamedClaims | undefined): readonly string[] {
  if (named === undefined) return requested;
  const implied = [...named.idToken, ...named.userinfo].flatMap((claim) => scopeOfClaim(claim) ?? []);
  return [...new Set([...requested, ...implied])];
}

/** Members that we do not know are ignored, as §5.5 and §5.5.1 demand; those that we know have their type. */
const one = z.looseObject({
  essential: z.boolean().optional(),
  value: z.unknown().optional(),
  values: z.array(z.unknown()).optional(),
});
const place = z.record(z.string(), one.nullable()).nullable().optional();
const document = z.looseObject({ userinfo: place, id_token: place });

type Place = z.output<typeof place>;

/** `text` as a claims request; undefined where it is none. OIDC Core §5.5. */
export function parseClaimsRequest(text: string): ClaimsRequest | undefined {
  const parsed = document.safeParse(jsonOf(text));
  if (!parsed.success) return undefined;
  const { id_token: idToken, userinfo } = parsed.data;
  const acr = idToken?.acr;
  const acrValues = textsOf(acr?.values ?? (acr?.value === undefined ? [] : [acr.value]));
  const subject = idToken?.sub?.value;
  return {
    idToken: namesIn(idToken),
    userinfo: namesIn(userinfo).filter((name) => name !== "acr"),
    acrValues,
    acrIsEssential: acr?.essential === true && acrValues.length > 0,
    ...(typeof subject === "string" ? { subject } : {}),
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const namesIn = (asked: Place): readonly string[] =>
  Object.keys(asked ?? {}).filter((name) => name === "acr" || scopeOf.has(name));

const textsOf = (values: readonly unknown[]): readonly string[] =>
  values.filter((value): value is string => typeof value === "string");
