/**
 * Mails that depend on an account of which whoever asks must learn nothing, not even whether it is there. What is kept
 * before the answer is the wish, in the words of the request: one record of the same make, whoever it names. Accounts
 * are looked at when the outbox grants it, behind the answer, so its time cannot tell of them; and since the wish is in
 * storage by then, a server that dies right after the answer grants it when it is back. (A decoy mail for everybody
 * without an account would cost the same only as long as both ways are kept alike by hand.) A stranger's wishes are
 * counted before they are kept: `mayMail`.
 */
import { z } from "zod";
import { chooseLocale } from "../page/choose-locale.ts";
import type { AccountDeps, AskedFrom } from "./account.ts";
import { lifetimes } from "./account-token.ts";
import { isChangeable } from "./is-changeable.ts";
import { mailNewAddress, mailReset } from "./mails.ts";

const from = {
  // A language that was spoken when it was asked for.
  locale: z.string().transform((tag) => chooseLocale([tag], undefined)),
  ipAddress: z.string(),
  device: z.string(),
};

const kept = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("reset"), email: z.string(), back: z.string(), ...from }),
  z.object({ kind: z.literal("email"), userId: z.string(), email: z.string(), newEmail: z.string(), ...from }),
]);

type Wish = z.infer<typeof kept>;

type Wanted<K extends Wish["kind"]> = Omit<Extract<Wish, { readonly kind: K }>, keyof AskedFrom>;

/** Resolves once it is in storage. */
export const wishFor = <K extends Wish["kind"]>(
  wanted: Wanted<K> & { readonly kind: K },
  { locale, ipAddress, device }: AskedFrom,
  { mailer }: Pick<AccountDeps, "mailer">,
): Promise<void> => mailer?.wish({ ...wanted, locale, ipAddress, device }, lifetimes[wanted.kind]) ?? Promise.resolve();

/** Sends the mail if there is anybody who may have it. */
export async function grantWish(wish: unknown, deps: AccountDeps): Promise<void> {
  const wanted = kept.parse(wish);
  const account = await deps.storage.passwords.get(wanted.email);
  if (account === undefined || !(await isChangeable(account, deps))) return;
  switch (wanted.kind) {
    case "reset":
      return mailReset(account, wanted.back, wanted, deps);
    case "email":
      if (account.userId !== wanted.userId || (await deps.storage.passwords.get(wanted.newEmail)) !== undefined) return;
      return mailNewAddress(account, wanted.newEmail, wanted, deps);
    default:
      return wanted satisfies never;
  }
}
