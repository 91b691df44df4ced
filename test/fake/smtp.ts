import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { SMTPServer } from "smtp-server";

export interface CaughtMail {
  readonly from: string;
  readonly to: readonly string[];
  /** The login's name; empty without one. */
  readonly user: string;
  readonly isEncrypted: boolean;
  /** Header lines unfolded, as they came. */
  readonly headers: string;
  /** The text part, decoded. */
  readonly text: string;
  readonly raw: string;
}

export interface FakeSmtp {
  readonly port: number;
  readonly mails: readonly CaughtMail[];
  /** Recipients asked for, accepted or not. */
  readonly asked: readonly string[];
  /** The next mail to `to` that has come since `after` mails were there. */
  next(to: string, after?: number): Promise<CaughtMail>;
  close(): Promise<void>;
}

export interface FakeSmtpOptions {
  /** Offers STARTTLS with it; without, it offers none. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Wants this login. */
  readonly login?: { readonly user: string; readonly pass: string };
}

const reply = (code: number, text: string): Error => Object.assign(new Error(text), { responseCode: code });

/**
 * A mail server on 127.0.0.1. By the name of the mailbox it greylists (`greylist`: 451 at first, taken at the second
 * try), bounces (`bounce`: 550) or is slow (`slow`: half a second).
 */
export async function fakeSmtp({ tls, login }: FakeSmtpOptions = {}): Promise<FakeSmtp> {
  const mails: CaughtMail[] = [];
  const asked: string[] = [];
  const greylisted = new Set<string>();
  const server = new SMTPServer({
    ...(tls === undefined ? { hideSTARTTLS: true, disabledCommands: ["STARTTLS"] } : tls),
    authOptional: login === undefined,
    allowInsecureAuth: true,
    disableReverseLookup: true,
    onAuth({ username, password }, _session, done) {
      if (username === login?.user && password === login?.pass) done(null, { user: username });
      else done(reply(535, "wrong login"));
    },
    onRcptTo({ address }, _session, done) {
      asked.push(address);
      if (address.startsWith("bounce")) return done(reply(550, "no such mailbox"));
      if (address.startsWith("greylist") && !greylisted.has(address)) {
        greylisted.add(address);
        return done(reply(451, "come back later"));
      }
      if (!address.startsWith("slow")) return done();
      void sleep(500).then(() => done());
      return undefined;
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const raw = Buffer.concat(chunks).toString("utf8");
        const { mailFrom, rcptTo } = session.envelope;
        mails.push({
          from: mailFrom === false ? "" : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          user: typeof session.user === "string" ? session.user : "",
          isEncrypted: session.secure,
          headers: raw.slice(0, raw.indexOf("\r\n\r\n")).replace(/\r\n[ \t]+/g, " "),
          text: textPart(raw),
          raw,
        });
        done();
      });
    },
  });
  // A client that refuses our certificate breaks off, which is its right.
  server.on("error", () => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.server.address() as AddressInfo;
  return {
    port,
    mails,
    asked,
    async next(to, after = 0) {
      for (let tries = 0; tries < 500; tries++) {
        const found = mails.slice(after).find((mail) => mail.to.includes(to));
        if (found !== undefined) return found;
        await sleep(20);
      }
      throw new Error(`no mail to ${to}; there are ${mails.slice(after).map((mail) => mail.to.join())}`);
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** The first part of a multipart mail, its transfer encoding undone. RFC 2045 §6. */
function textPart(raw: string): string {
  const part = /content-type: text\/plain[\s\S]*?\r\n\r\n([\s\S]*?)\r\n----/i.exec(raw);
  const head = part?.[0].slice(0, part[0].indexOf("\r\n\r\n")) ?? "";
  const body = part?.[1] ?? "";
  if (/transfer-encoding: base64/i.test(head)) return Buffer.from(body, "base64").toString("utf8");
  if (!/transfer-encoding: quoted-printable/i.test(head)) return body;
  const bytes = body
    .replace(/=\r\n/g, "")
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString("utf8");
}

/** The address in a mail that leads back to us. */
export const linkIn = ({ text }: CaughtMail): string => /https?:\/\/\S+/.exec(text)?.[0] ?? "";
