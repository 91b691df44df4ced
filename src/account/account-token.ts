import { keyedHash } from "../kernel/derive.ts";
import { idFromBytes, newLongId } from "../kernel/ids.ts";
import type { AccountToken, Password } from "../storage/records.ts";
import type { AccountDeps } from "./account.ts";

/** Milliseconds. Our own policy: a reset link lives as short as slow mail allows. */
export const lifetimes = { verify: 3 * 24 * 3_600_000, reset: 3_600_000, email: 3_600_000 } as const;

type Purpose = keyof typeof lifetimes;
type Deps = Pick<AccountDeps, "storage" | "tokenKey" | "clock" | "random">;

/** A new token for `password`'s person: 256 bits, of which storage keeps a keyed hash. */
export async function issueToken(
  purpose: Purpose,
  password: Password,
  more: { readonly newEmail?: string; readonly back?: string },
  deps: Deps,
): Promise<string> {
  const token = newLongId(deps.random);
  const now = deps.clock.now();
  await deps.storage.accountTokens.create({
    id: tokenId(token, deps),
    purpose,
    userId: password.userId,
    email: password.email.toLowerCase(),
    newEmail: more.newEmail ?? "",
    passwordTag: purpose === "verify" ? "" : passwordTag(password, deps),
    back: more.back ?? "",
    createdAt: now,
    expiry: now + lifetimes[purpose],
  });
  return token;
}

export interface OpenToken {
  readonly record: AccountToken;
  readonly password: Password;
}

/** What a token stands for, if it still does: for the same person under the same address with the same password. */
export async function findToken(purpose: Purpose, token: string, deps: Deps): Promise<OpenToken | undefined> {
  const record = await deps.storage.accountTokens.get(tokenId(token, deps));
  if (record === undefined || record.purpose !== purpose || deps.clock.now() > record.expiry) return undefined;
  const password = await deps.storage.passwords.get(record.email);
  if (password === undefined || !isStillOf(record, password, deps)) return undefined;
  return { record, password };
}

/** Whether the account is still the one that the token was made for. Also asked inside of updates: there it decides. */
export const isStillOf = (record: AccountToken, password: Password, deps: Pick<Deps, "tokenKey">): boolean =>
  password.userId === record.userId &&
  (record.passwordTag === "" || record.passwordTag === passwordTag(password, deps));

/** Of several at once exactly one is told true: the token is spent. */
export const spendToken = ({ record }: OpenToken, { storage }: Deps): Promise<boolean> =>
  storage.accountTokens.delete(record.id);

const tokenId = (token: string, { tokenKey }: Pick<Deps, "tokenKey">): string =>
  idFromBytes(keyedHash(tokenKey, "token", token));

const passwordTag = ({ hash }: Password, { tokenKey }: Pick<Deps, "tokenKey">): string =>
  idFromBytes(keyedHash(tokenKey, "password", Buffer.from(hash.reveal()).toString("base64")));
