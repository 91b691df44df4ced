import { Secret } from "../kernel/secret.ts";
import { variable } from "./feature-flags.ts";
import type { Reading } from "./reading.ts";

export interface SignupConfig {
  readonly isEnabled: boolean;
  /** File of passwords that nobody may choose; empty: none. */
  readonly breachedPasswords: string;
  readonly assumeEmailVerified: boolean;
  readonly maxPerHour: number;
}

export interface MailConfig {
  readonly from: { readonly name: string; readonly address: string };
  readonly host: string;
  readonly port: number;
  readonly tls: "starttls" | "implicit" | "none";
  /** PEM file; empty: the system's authorities. */
  readonly rootCA: string;
  /** Empty: no login. */
  readonly username: string;
  readonly password: Secret;
}

const perHour = 20;

export function readSignup({ file, findings }: Reading): SignupConfig {
  const { enableSignup, enablePasswordDB, signup, mail } = file;
  if (enableSignup && !enablePasswordDB) {
    findings.refuse("check", "enableSignup", "cannot enable signup without enabling password db", {
      hint: "enablePasswordDB: true",
    });
  }
  const { breachedPasswords, assumeEmailVerified, maxPerHour } = signup;
  if (assumeEmailVerified && mail !== undefined) {
    findings.refuse("setup", "signup.assumeEmailVerified", "an address is confirmed by mail or assumed, not both");
  }
  return { isEnabled: enableSignup, breachedPasswords, assumeEmailVerified, maxPerHour: maxPerHour || perHour };
}

/** Undefined: absent or refused. */
export function readMail({ file, findings, env }: Reading): MailConfig | undefined {
  const { mail } = file;
  if (mail === undefined) return undefined;
  const from = readSender(mail.from);
  if (from === undefined) {
    findings.refuse("setup", "mail.from", "mail: from must be one address, alone or in angle brackets after a name");
  }
  if (!/^[A-Za-z0-9.:_-]+$/.test(mail.host)) findings.refuse("setup", "mail.host", "mail: host must be a host name");
  const tls = (["implicit", "none"] as const).find((known) => known === mail.tls) ?? "starttls";
  if (!["", "starttls", "implicit", "none"].includes(mail.tls)) {
    findings.refuse("setup", "mail.tls", "mail: tls must be starttls, implicit or none");
  }
  const password = mail.passwordEnv === "" ? mail.password : new Secret(variable(env, mail.passwordEnv));
  if (mail.username !== "" && password.reveal() === "") {
    const at = mail.passwordEnv === "" ? "mail.password" : "mail.passwordEnv";
    findings.refuse("setup", at, "mail: a username needs a password");
  }
  if (mail.username !== "" && tls === "none" && !isThisMachine(mail.host)) {
    findings.refuse("setup", "mail.tls", "mail: a password is not sent to another machine without TLS");
  }
  if (from === undefined) return undefined;
  const port = mail.port || (tls === "implicit" ? 465 : 587);
  return { from, host: mail.host, port, tls, rootCA: mail.rootCA, username: mail.username, password };
}

const isThisMachine = (host: string): boolean => host === "localhost" || host === "::1" || host.startsWith("127.");

/** `a@b.c` or `Name <a@b.c>`. No line break, or a header could begin there. */
function readSender(text: string): MailConfig["from"] | undefined {
  const [, name, angled, bare] =
    /^(?:([^<>\p{Cc}]*)<([^<>\s@\p{Cc}]+@[^<>\s@\p{Cc}]+)>|([^<>\s@\p{Cc}]+@[^<>\s@\p{Cc}]+))$/u.exec(text) ?? [];
  const address = angled ?? bare;
  return address === undefined ? undefined : { name: (name ?? "").trim(), address };
}
