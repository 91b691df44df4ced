import type { AccountDeps } from "../account/account.ts";
import { type Behind, createBehind } from "../account/behind.ts";
import { type BreachedPasswords, openBreachedPasswords } from "../account/breached-passwords.ts";
import type { Config } from "../config/config.ts";
import type { EndDeps } from "../flow/end-session.ts";
import type { BcryptPool } from "../kernel/bcrypt-pool.ts";
import { hkdf } from "../kernel/derive.ts";
import type { Sealer } from "../kernel/seal.ts";
import type { Secret } from "../kernel/secret.ts";
import { createMailCourier, type MailCourier } from "../mail/mail-courier.ts";
import { openSmtp } from "../mail/smtp.ts";
import type { Storage } from "../storage/contract.ts";
import type { ServerDeps } from "./server-deps.ts";

/** What accounts need opened: the list of breached passwords, the way to the mail server. */
export interface Accounts {
  readonly mails: MailCourier | undefined;
  readonly breached: BreachedPasswords | undefined;
  readonly behind: Behind;
  /** Waits for what goes on behind answers; storage must still be open. */
  close(): Promise<void>;
}

/** @throws {Error} The list or the mail server's authorities cannot be read. */
export async function openAccounts(
  { signup, mail }: Config,
  { storage, sealer, clock, random, logger }: ServerDeps & { readonly storage: Storage; readonly sealer: Sealer },
): Promise<Accounts> {
  const transport = mail === undefined ? undefined : await openSmtp(mail, logger);
  const breached = signup.breachedPasswords === "" ? undefined : await openBreachedPasswords(signup.breachedPasswords);
  const behind = createBehind(logger);
  return {
    mails: transport && createMailCourier({ storage, transport, sealer, clock, random, logger }),
    breached,
    behind,
    async close() {
      await behind.settled();
      await breached?.close();
    },
  };
}

type Tries = Pick<AccountDeps, "attempts" | "limits">;

interface Parts extends ServerDeps {
  readonly storage: Storage;
  readonly root: Secret<Uint8Array>;
  readonly bcrypt: BcryptPool;
  readonly accounts: Accounts;
}

export function accountsOf(config: Config, parts: Parts, end: EndDeps, tries: Tries): AccountDeps {
  const { storage, root, bcrypt, accounts, clock, random, logger } = parts;
  const { signup, issuer, frontend } = config;
  return {
    storage,
    bcrypt,
    breached: accounts.breached,
    mailer: accounts.mails,
    tokenKey: hkdf(root.reveal(), "account-token"),
    end,
    issuer,
    issuerName: frontend.issuer,
    isSignupOpen: signup.isEnabled,
    assumeEmailVerified: signup.assumeEmailVerified,
    ...tries,
    behind: accounts.behind.start,
    clock,
    random,
    logger,
  };
}
