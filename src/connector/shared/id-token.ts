import type { Clock } from "../../kernel/ports.ts";
import { secretEqual } from "../../kernel/secret-equal.ts";
import type { Claims } from "./claims.ts";
import { InvalidTokenError } from "./key-set.ts";

export interface Expected {
  readonly issuers: readonly string[];
  /** One of them must be in `aud`. */
  readonly audiences: readonly string[];
  /** Where the token was issued to us, and to nobody else: `azp` must say so if it says anything. OIDC Core §3.1.3.7 4–5. */
  readonly authorizedParty?: string;
  /** What the request had. Undefined: there was none to compare. */
  readonly nonce?: string;
  readonly mayLackNonce?: boolean;
  readonly clock: Clock;
}

/** Seconds that two clocks may differ. Dex allows none for `exp` and five minutes for `nbf`. */
const leeway = 60;
const longLeeway = 300;

/** Checks what a signed token says of itself. OIDC Core §3.1.3.7. @throws {InvalidTokenError} */
export function checkToken(claims: Claims, expected: Expected): void {
  checkIssuer(claims.get("iss"), expected.issuers);
  checkAudience(claims, expected);
  const now = expected.clock.now() / 1000;
  const expires = claims.get("exp");
  if (typeof expires !== "number") throw new InvalidTokenError("the token does not say when it expires");
  if (now >= expires + leeway) throw new InvalidTokenError("oidc: token is expired");
  const notBefore = claims.get("nbf");
  if (notBefore !== undefined && (typeof notBefore !== "number" || now < notBefore - longLeeway)) {
    throw new InvalidTokenError("the token is not valid yet: do the clocks agree?");
  }
  checkNonce(claims.get("nonce"), expected);
}

function checkIssuer(issuer: unknown, issuers: readonly string[]): void {
  if (typeof issuer === "string" && issuers.includes(issuer)) return;
  // compat(dex): go-oidc's one exception; Google has issued both.
  if (issuer === "accounts.google.com" && issuers.includes("https://accounts.google.com")) return;
  throw new InvalidTokenError("oidc: id token issued by a different provider");
}

function checkAudience(claims: Claims, { audiences, authorizedParty }: Expected): void {
  const audience = claims.get("aud");
  const named: readonly unknown[] = Array.isArray(audience) ? audience : [audience];
  if (!named.some((one) => typeof one === "string" && audiences.includes(one))) {
    throw new InvalidTokenError("oidc: the token is for another audience");
  }
  if (authorizedParty === undefined) return;
  const party = claims.get("azp");
  // Several audiences and no word on whose it is: OIDC Core §3.1.3.7 4.
  if (party === undefined ? named.length > 1 : party !== authorizedParty) {
    throw new InvalidTokenError("oidc: the token was issued to another client (azp)");
  }
}

function checkNonce(given: unknown, { nonce, mayLackNonce = false }: Expected): void {
  if (nonce === undefined || (given === undefined && mayLackNonce)) return;
  if (typeof given !== "string" || !secretEqual(given, nonce)) {
    throw new InvalidTokenError(
      given === undefined
        ? "oidc: the id token lacks the nonce of this login (insecureSkipNonce: true takes it anyway)"
        : "oidc: the id token is of another login (nonce)",
    );
  }
}
