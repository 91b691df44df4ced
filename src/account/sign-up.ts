import { newId } from "../kernel/ids.ts";
import { Secret } from "../kernel/secret.ts";
import { AlreadyExistsError, ReadOnlyError } from "../storage/contract.ts";
import type { Password } from "../storage/records.ts";
import { type AccountDeps, type Asker, bcryptCost } from "./account.ts";
import { parseEmailAddress } from "./email-address.ts";
import { mailVerification } from "./mails.ts";
import { type PasswordProblem, passwordProblem } from "./password-rule.ts";

export interface Wanted {
  readonly email: string;
  readonly username: string;
  readonly password: string;
  /** Where the login goes on: a rooted path of ours, or empty. */
  readonly back: string;
}

export type SignupProblem =
  | "email_missing"
  | "email_invalid"
  | `password_${PasswordProblem}`
  | "username_missing"
  | "username_invalid"
  | "taken";

export type SignupResult =
  | { readonly ok: true; readonly account: Password; readonly isMailed: boolean }
  | { readonly ok: false; readonly problem: SignupProblem };

/** UTF-16 code units; MySQL's column is the narrowest. */
const longestName = 256;

/** Makes an account. compat(dex): the order of checks is its fork's. */
export async function signUp(wanted: Wanted, asker: Asker, deps: AccountDeps): Promise<SignupResult> {
  const refused = (problem: SignupProblem) => ({ ok: false, problem }) as const;
  const email = parseEmailAddress(wanted.email);
  if (email === undefined) return refused(wanted.email === "" ? "email_missing" : "email_invalid");
  const problem = await passwordProblem(wanted.password, deps.breached);
  if (problem !== undefined) return refused(`password_${problem}`);
  const username = wanted.username.trim();
  if (username === "") return refused("username_missing");
  if (!isName(username)) return refused("username_invalid");
  // Before the work of hashing; the create below decides.
  if ((await deps.storage.passwords.get(email)) !== undefined) return refused("taken");
  const hash = await deps.bcrypt.hash(new Secret(wanted.password), bcryptCost);
  const account: Password = {
    email,
    hash: new Secret(Buffer.from(hash)),
    username,
    name: "",
    preferredUsername: "",
    emailVerified: deps.assumeEmailVerified,
    userId: newId(deps.random),
    groups: [],
  };
  try {
    await deps.storage.passwords.create(account);
  } catch (error) {
    // A race for the address, or one that stands in the configuration.
    if (error instanceof AlreadyExistsError || error instanceof ReadOnlyError) return refused("taken");
    throw error;
  }
  deps.logger.info("account created", { user_id: account.userId, email, remote: asker.ipAddress });
  const isMailed = deps.mailer !== undefined;
  // Before the answer, which says that it is on its way: a server that dies now has it in its outbox.
  if (isMailed) await mailVerification(account, wanted.back, asker, deps);
  return { ok: true, account, isMailed };
}

/** No control or formatting character: names stand in consent pages and in tokens, where they could hide or reorder text. */
const isName = (name: string): boolean =>
  name.length <= longestName &&
  name.isWellFormed() &&
  !/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/u.test(name);
