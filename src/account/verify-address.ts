import type { Password } from "../storage/records.ts";
import type { AccountDeps, Asker } from "./account.ts";
import { findToken, isStillOf, spendToken } from "./account-token.ts";
import { endAccess } from "./end-access.ts";
import { mailVerification } from "./mails.ts";

/** `back`: where the login goes on, or empty. */
export type VerifyResult = { readonly done: "verified" | "rejected"; readonly back: string } | undefined;

/** The person holds the address: what clients are told as `email_verified` becomes true. Undefined: the token is none. */
export async function verifyAddress(token: string, deps: AccountDeps): Promise<VerifyResult> {
  const open = await findToken("verify", token, deps);
  if (open === undefined || !(await spendToken(open, deps))) return undefined;
  const verified = await deps.storage.passwords.update(open.record.email, (current) =>
    isStillOf(open.record, current, deps) ? { ...current, emailVerified: true } : current,
  );
  if (verified === undefined || verified.userId !== open.record.userId) return undefined;
  deps.logger.info("address verified", { user_id: verified.userId });
  return { done: "verified", back: open.record.back };
}

/**
 * The owner of the address did not make this account: it goes. Else somebody who signs up with another's address, and
 * waits for them to confirm it, would share it with them.
 */
export async function rejectAccount(token: string, deps: AccountDeps): Promise<VerifyResult> {
  const open = await findToken("verify", token, deps);
  if (open === undefined || open.password.emailVerified !== false || !(await spendToken(open, deps))) return undefined;
  await deps.storage.passwords.delete(open.record.email);
  // Whoever made it may be signed in, under an address that is not theirs.
  await endAccess(open.record.userId, deps);
  deps.logger.info("account rejected by the owner of its address", { user_id: open.record.userId });
  return { done: "rejected", back: "" };
}

/** Once more, to the address of the account of whoever asks. Resolves once the mail is in the outbox. */
export async function resendVerification(account: Password, asker: Asker, deps: AccountDeps): Promise<void> {
  if (deps.mailer === undefined || account.emailVerified !== false || !mayMail(account.email, asker, deps)) return;
  await mailVerification(account, "", asker, deps);
}

/** Counts the wish, whoever it is for. False: nobody may be mailed that often, or a stranger could flood a mailbox. */
export function mayMail(email: string, { ipAddress: address, trail }: Asker, { limits }: AccountDeps): boolean {
  return limits.isAllowed("mail", { address, trail }) && limits.isAllowed("mailbox", { address, what: email, trail });
}
