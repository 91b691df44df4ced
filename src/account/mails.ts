import { type MailProps, mailMessage } from "../page/mail-message.ts";
import type { Password } from "../storage/records.ts";
import type { AccountDeps, AskedFrom } from "./account.ts";
import { issueToken, lifetimes } from "./account-token.ts";

/**
 * Which mail goes to whom. Links are made of the configured issuer: what a request calls us (`Host`) is whatever its sender
 * wanted it to be. Nothing that a stranger typed stands in a mail to somebody else, or we would send their advertisements.
 */
async function send(
  to: string,
  props: MailProps,
  lifetime: number,
  asker: AskedFrom,
  deps: AccountDeps,
): Promise<void> {
  const written = mailMessage({ locale: asker.locale, issuerName: deps.issuerName }, props);
  await deps.mailer?.send({ to, locale: asker.locale, ...written }, lifetime);
}

const linkTo = (path: string, token: string, { issuer }: AccountDeps): string =>
  `${issuer.replace(/\/$/, "")}${path}?token=${token}`;

export async function mailVerification(
  account: Password,
  back: string,
  asker: AskedFrom,
  deps: AccountDeps,
): Promise<void> {
  const token = await issueToken("verify", account, { back }, deps);
  const props = { kind: "verify", link: linkTo("/signup/verify", token, deps) } as const;
  await send(account.email, props, lifetimes.verify, asker, deps);
}

export async function mailReset(account: Password, back: string, asker: AskedFrom, deps: AccountDeps): Promise<void> {
  const token = await issueToken("reset", account, { back }, deps);
  const props = { kind: "reset", link: linkTo("/password/reset", token, deps), ipAddress: asker.ipAddress } as const;
  await send(account.email, props, lifetimes.reset, asker, deps);
}

export async function mailNewAddress(
  account: Password,
  newEmail: string,
  asker: AskedFrom,
  deps: AccountDeps,
): Promise<void> {
  const token = await issueToken("email", account, { newEmail }, deps);
  const props = { kind: "email", link: linkTo("/account/email/confirm", token, deps) } as const;
  await send(newEmail, props, lifetimes.email, asker, deps);
}

/** A notice has no link that lets anybody in, and is worth reading for days. */
const noticeLifetime = 3 * 24 * 3_600_000;

type Notice = Extract<MailProps, { readonly kind: "passwordChanged" | "emailChanged" | "newDevice" }>;

/** Resolves once the notice is in the outbox. */
export async function mailNotice(to: string, kind: Notice["kind"], asker: AskedFrom, deps: AccountDeps): Promise<void> {
  const { device, ipAddress } = asker;
  await send(to, { kind, device, ipAddress, at: deps.clock.now() }, noticeLifetime, asker, deps);
}
