import { ReadOnlyError } from "../storage/contract.ts";
import type { Password } from "../storage/records.ts";
import type { AccountDeps } from "./account.ts";

/** People of the configuration file are changed there. An update that changes nothing is asked for, and writes nothing. */
export async function isChangeable(account: Password, { storage }: Pick<AccountDeps, "storage">): Promise<boolean> {
  try {
    return (await storage.passwords.update(account.email, (current) => current)) !== undefined;
  } catch (error) {
    if (error instanceof ReadOnlyError) return false;
    throw error;
  }
}
