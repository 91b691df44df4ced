import type { BreachedPasswords } from "./breached-passwords.ts";

/** Characters at least. compat(dex): its fork's sign-up; NIST SP 800-63B §3.1.1.2. */
export const minPasswordLength = 8;
/** bcrypt sees no byte after these: what it does not see must not seem to count. */
const mostBytes = 72;

export type PasswordProblem = "missing" | "short" | "long" | "unusable" | "breached";

/** What is wrong with a new password; undefined: nothing. */
export async function passwordProblem(
  password: string,
  breached: BreachedPasswords | undefined,
): Promise<PasswordProblem | undefined> {
  if (password === "") return "missing";
  // A character outside of the first plane is one, though JavaScript counts two.
  if ([...password].length < minPasswordLength) return "short";
  if (Buffer.byteLength(password) > mostBytes) return "long";
  if (password.includes("\0") || !password.isWellFormed()) return "unusable";
  return (await breached?.has(password)) === true ? "breached" : undefined;
}
