import type { AccountDeps } from "../account/account.ts";
import { type BreachedPasswords, openBreachedPasswords } from "../account/breached-passwords.ts";
import { grantWish } from "../account/wishes.ts";
import type { Config } from "../config/config.ts";
import type { EndDeps } from "../flow/end-session.ts";
import type { BcryptPool } from "../kernel/bcrypt-pool.ts";
import { hkdf } from "../kernel/derive.ts";
import type { Sealer } from "../kernel/seal.ts";
import type { Secret } from "../kernel/secret.ts";
import type { WishGranter } from "../mail/contract.ts";
import { createMailCourier, type MailCourier } from "../mail/mail-courier.ts";
import { openSmtp } from "../mail/smtp.ts";
import type { Storage } from "../storage/contract.ts";
import type { ServerDeps } from "./server-deps.ts";

/** What accounts need opened: the list of breached passwords, the way to the mail server. */
export interface Accounts {
  readonly mails: MailCourier | undefined;
  readonly breached: BreachedPasswords | undefined;
  close(): Promise<void>;
}

interface OpenDeps extends ServerDeps {
  readonly storage: Storage;
  readonly sealer: Sealer;
  /** What wishes are granted with. Undefined: nobody has a password any more. */
  readonly current: () => AccountDeps | undefined;
}

/** @throws {Error} The list or the mail server's authorities cannot be read. */
export async function openAccounts(
  { signup, mail }: Config,
  { storage, sealer, current, clock, random, logger }: OpenDeps,
): Promise<Accounts> {
  const grant: WishGranter = async (wish) => {
    const deps = current();
    if (deps !== undefined) await grantWish(wish, deps);
  };
  const transport = mail === undefined ? undefined : await openSmtp(mail, logger);
  const breached = signup.breachedPasswords === "" ? undefined : await openBreachedPasswords(signup.breachedPasswords);
  return {
    mails: transport && createMailCourier({ storage, transport, sealer, grant, clock, random, logger }),
    breached,
    close: async () => breached?.close(),
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
    clock,
    random,
    logger,
  };
}
