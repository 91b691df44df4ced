import { quoteGo } from "../../kernel/go-quote.ts";
import type { Callback } from "../contract.ts";

/** What the browser brought back from an OAuth 2.0 server. */
export type CallbackOutcome =
  | { readonly ok: true; readonly code: string }
  | { readonly ok: false; readonly reason: "cancelled" };

/** Who must have sent it. RFC 9207. */
export interface ExpectedIssuer {
  /** Its names: one, unless the operator gave it another. */
  readonly issuers: readonly string[];
  /** The server says that it always names itself. */
  readonly isAlwaysNamed: boolean;
}

/** Somebody has to act, and did not: no fault of anybody's. OIDC Core §3.1.2.6. */
const notNow = new Set([
  "access_denied",
  "login_required",
  "consent_required",
  "interaction_required",
  "account_selection_required",
  // LinkedIn's own words for it.
  "user_cancelled_login",
  "user_cancelled_authorize",
]);

/** The code of an authorization response; an error beside it wins. RFC 6749 §4.1.2. @throws {Error} An error, another issuer, or no code. */
export function readCallback({ url }: Pick<Callback, "url">, expected?: ExpectedIssuer): CallbackOutcome {
  const query = url.searchParams;
  if (expected !== undefined) mustComeFrom(query.get("iss"), expected);
  const error = query.get("error") ?? "";
  if (notNow.has(error)) return { ok: false, reason: "cancelled" };
  if (error !== "") {
    const description = query.get("error_description") ?? "";
    throw new Error(description === "" ? quoted(error) : `${quoted(error)}: ${quoted(description)}`);
  }
  const code = query.get("code") ?? "";
  if (code === "") throw new Error("the upstream sent the browser back without a code");
  return { ok: true, code };
}

/** A stranger can write it: one line, and not a long one. */
const quoted = (text: string): string => quoteGo(text.slice(0, 200)).slice(1, -1);

/** Against mix-up: a code of another server would be sent to this one. RFC 9207 §2.4. */
function mustComeFrom(named: string | null, { issuers, isAlwaysNamed }: ExpectedIssuer): void {
  if (named === null && isAlwaysNamed) throw new Error("the authorization response does not name its issuer");
  if (named !== null && !issuers.includes(named)) throw new Error("the authorization response is of another issuer");
}
