import { Secret } from "../kernel/secret.ts";
import { type AccountDeps, type Asker, bcryptCost } from "./account.ts";
import { findToken, isStillOf, spendToken } from "./account-token.ts";
import { parseEmailAddress } from "./email-address.ts";
import { endAccess } from "./end-access.ts";
import { mailNotice } from "./mails.ts";
import { type PasswordProblem, passwordProblem } from "./password-rule.ts";
import { mayMail } from "./verify-address.ts";
import { wishFor } from "./wishes.ts";

/**
 * Somebody says that they forgot the password of `email`. Resolves once that is kept: the answer is the same, and as fast,
 * whether there is such an account or not.
 */
export async function askForReset(email: string, back: string, asker: Asker, deps: AccountDeps): Promise<void> {
  const key = parseEmailAddress(email);
  if (key !== undefined && mayMail(key, asker, deps)) await wishFor({ kind: "reset", email: key, back }, asker, deps);
}

export type ResetResult =
  | { readonly ok: true; readonly back: string; readonly email: string }
  | { readonly ok: false; readonly problem: PasswordProblem | "token" };

/** Sets a new password by a mailed token, which proves the address too. Everything that the old one let in ends. */
export async function resetPassword(
  token: string,
  wanted: string,
  asker: Asker,
  deps: AccountDeps,
): Promise<ResetResult> {
  const open = await findToken("reset", token, deps);
  if (open === undefined) return { ok: false, problem: "token" };
  // Before the token is spent: a refused password may be corrected.
  const problem = await passwordProblem(wanted, deps.breached);
  if (problem !== undefined) return { ok: false, problem };
  const hash = new Secret<Uint8Array>(Buffer.from(await deps.bcrypt.hash(new Secret(wanted), bcryptCost)));
  if (!(await spendToken(open, deps))) return { ok: false, problem: "token" };
  const { record } = open;
  let isSet = false;
  await deps.storage.passwords.update(record.email, (current) => {
    isSet = isStillOf(record, current, deps);
    return isSet ? { ...current, hash, emailVerified: true } : current;
  });
  if (!isSet) return { ok: false, problem: "token" };
  await endAccess(record.userId, deps);
  deps.logger.info("password reset", { user_id: record.userId });
  await mailNotice(record.email, "passwordChanged", asker, deps);
  return { ok: true, back: record.back, email: record.email };
}
