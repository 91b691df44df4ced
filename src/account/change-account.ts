import { authTimeOf, freshness } from "../flow/session.ts";
import { Secret } from "../kernel/secret.ts";
import { AlreadyExistsError, ReadOnlyError } from "../storage/contract.ts";
import type { AuthSession, Password } from "../storage/records.ts";
import type { Origin, Told } from "../token/attempts.ts";
import { type AccountDeps, type Asker, bcryptCost, localConnectorId } from "./account.ts";
import { findToken, spendToken } from "./account-token.ts";
import { parseEmailAddress } from "./email-address.ts";
import { endAccess } from "./end-access.ts";
import { isChangeable } from "./is-changeable.ts";
import { mailNotice } from "./mails.ts";
import { type PasswordProblem, passwordProblem } from "./password-rule.ts";
import { mayMail } from "./verify-address.ts";
import { wishFor } from "./wishes.ts";

/** The account behind a session; undefined: it is none of ours. */
export async function accountOf(session: AuthSession, { storage }: AccountDeps): Promise<Password | undefined> {
  if (session.connectorId !== localConnectorId) return undefined;
  const identity = await storage.userIdentities.get(session);
  const account = identity && (await storage.passwords.get(identity.claims.email));
  return account?.userId === session.userId ? account : undefined;
}

export const isFresh = (session: AuthSession, { clock }: Pick<AccountDeps, "clock">): boolean =>
  clock.now() - authTimeOf(session) <= freshness;

export interface Proof {
  readonly session: AuthSession;
  readonly account: Password;
  /** What was typed as the current password. */
  readonly current: string;
  readonly origin: Origin;
  readonly told: Told;
  readonly signal: AbortSignal;
}

/** The password as the login form counts guesses at it. */
export const passwordOf = ({ email }: Pick<Password, "email">) =>
  ({ kind: "password", connectorId: localConnectorId, username: email }) as const;

/**
 * A cookie alone changes nothing that would keep its owner out: the person knows the password, or gave it just now.
 * @throws {TooManyAttemptsError} Not now.
 */
export async function proofProblem(
  { session, account, current, origin, told, signal }: Proof,
  deps: AccountDeps,
): Promise<"current" | undefined> {
  if (current === "" && isFresh(session, deps)) return undefined;
  const attempt = await deps.attempts.begin(passwordOf(account), origin, told);
  const hash = Buffer.from(account.hash.reveal()).toString("latin1");
  const isRight = await deps.bcrypt.compare(new Secret(current), hash, signal).catch(async (error: unknown) => {
    await attempt.unmade();
    throw error;
  });
  if (isRight) await attempt.right();
  else attempt.wrong();
  return isRight ? undefined : "current";
}

export type ChangeProblem = PasswordProblem | "current" | "tooMany" | "readOnly" | "gone";

/** Undefined: done. Every other session ends, and every refresh token. */
export async function changePassword(
  proof: Proof,
  wanted: string,
  asker: Asker,
  deps: AccountDeps,
): Promise<ChangeProblem | undefined> {
  const { account, session } = proof;
  const problem = (await proofProblem(proof, deps)) ?? (await passwordProblem(wanted, deps.breached));
  if (problem !== undefined) return problem;
  const hash = new Secret<Uint8Array>(Buffer.from(await deps.bcrypt.hash(new Secret(wanted), bcryptCost)));
  try {
    const changed = await deps.storage.passwords.update(account.email, (current) =>
      current.userId === account.userId ? { ...current, hash } : current,
    );
    if (changed?.userId !== account.userId) return "gone";
  } catch (error) {
    if (error instanceof ReadOnlyError) return "readOnly";
    throw error;
  }
  await endAccess(account.userId, deps, session.id);
  deps.logger.info("password changed", { user_id: account.userId });
  await mailNotice(account.email, "passwordChanged", asker, deps);
  return undefined;
}

/** Undefined: a mail will go to the new address, unless that is somebody's already, which nobody is told. */
export async function askForNewAddress(
  proof: Proof,
  wanted: string,
  asker: Asker,
  deps: AccountDeps,
): Promise<"current" | "tooMany" | "address" | "readOnly" | undefined> {
  const email = parseEmailAddress(wanted);
  const problem = await proofProblem(proof, deps);
  if (problem !== undefined) return problem;
  if (email === undefined) return "address";
  if (!(await isChangeable(proof.account, deps))) return "readOnly";
  if (!mayMail(email, asker, deps)) return "tooMany";
  const { userId, email: current } = proof.account;
  await wishFor({ kind: "email", userId, email: current, newEmail: email }, asker, deps);
  return undefined;
}

/**
 * The new address is the person's. The new record before the old one goes: a crash in between leaves two ways in for one
 * person, never none. What the old address has signed in to ends, since its claims are out of date. False: the token is
 * none, or the address was taken meanwhile.
 */
export async function confirmNewAddress(token: string, asker: Asker, deps: AccountDeps): Promise<boolean> {
  const open = await findToken("email", token, deps);
  if (open === undefined || !(await spendToken(open, deps))) return false;
  const { record, password } = open;
  // Else the new record would stand beside one that cannot go.
  if (!(await isChangeable(password, deps))) return false;
  try {
    await deps.storage.passwords.create({ ...password, email: record.newEmail, emailVerified: true });
    await deps.storage.passwords.delete(record.email);
  } catch (error) {
    if (error instanceof AlreadyExistsError || error instanceof ReadOnlyError) return false;
    throw error;
  }
  await endAccess(record.userId, deps);
  // A passkey finds the account by the address that we know of its person.
  await deps.storage.userIdentities.update({ userId: record.userId, connectorId: localConnectorId }, (known) => ({
    ...known,
    claims: { ...known.claims, email: record.newEmail, emailVerified: true },
  }));
  deps.logger.info("address changed", { user_id: record.userId });
  await mailNotice(record.email, "emailChanged", asker, deps);
  return true;
}
