import type { BindAnswer } from "./wire/connection.ts";
import { codes, LdapResultError } from "./wire/errors.ts";
import { passwordPolicyError } from "./wire/message.ts";

/** What a server's answer to a person's password means, and why, for the log. */
export type BindVerdict =
  | { readonly verdict: "right" }
  | { readonly verdict: "wrong_credentials" | "password_expired"; readonly because: string };

/**
 * Active Directory's reasons, in the text of result 49. It says that a password has expired only to who knows it.
 * https://learn.microsoft.com/windows/win32/debug/system-error-codes
 */
const activeDirectory: Readonly<Record<string, string>> = {
  "525": "no such user",
  "52e": "wrong password",
  "530": "not at this time",
  "531": "not from this computer",
  "532": "the password has expired",
  "533": "the account is disabled",
  "701": "the account has expired",
  "773": "the password must be changed",
  "775": "the account is locked",
};

/** draft-behera-ldap-password-policy-10 §6.2. The server says the first only to who knows the password. */
const policyErrors: Readonly<Record<number, string>> = {
  0: "the password has expired",
  1: "the account is locked",
  2: "the password must be changed",
};

/** @throws {LdapResultError} The server says something else than yes, no, or locked. compat(dex): 49 and 19 are no. */
export function bindVerdict({ result, controls }: BindAnswer): BindVerdict {
  if (result.code === codes.success) return { verdict: "right" };
  if (result.code !== codes.invalidCredentials && result.code !== codes.constraintViolation)
    throw new LdapResultError(result.code, result.diagnostic);
  const policy = passwordPolicyError(controls);
  if (policy !== undefined) {
    const because = policyErrors[policy] ?? `password policy error ${policy}`;
    return { verdict: policy === 0 || policy === 2 ? "password_expired" : "wrong_credentials", because };
  }
  const data = /\bdata ([0-9a-f]{2,4})\b/i.exec(result.diagnostic)?.[1]?.toLowerCase() ?? "";
  const because = activeDirectory[data] ?? (result.code === codes.invalidCredentials ? "refused" : "locked or limited");
  return { verdict: data === "532" || data === "773" ? "password_expired" : "wrong_credentials", because };
}
