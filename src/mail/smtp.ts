import { readFileSync } from "node:fs";
import type { Logger } from "../kernel/ports.ts";
import type { Secret } from "../kernel/secret.ts";
import type { Handover, MailTransport } from "./contract.ts";

export interface SmtpSettings {
  readonly from: { readonly name: string; readonly address: string };
  readonly host: string;
  readonly port: number;
  /** `starttls` insists: a server, or somebody in between, that offers none gets nothing. RFC 8314 §4.1. */
  readonly tls: "starttls" | "implicit" | "none";
  /** PEM file; empty: the system's authorities. */
  readonly rootCA: string;
  /** Empty: no login. */
  readonly username: string;
  readonly password: Secret;
}

/** Milliseconds. A greylisting or tarpitting server may take its time, and the outbox waits. */
const timeouts = { connectionTimeout: 10_000, greetingTimeout: 15_000, socketTimeout: 30_000 };

/** Our mails by SMTP. @throws {Error} `rootCA` cannot be read. */
export async function openSmtp(settings: SmtpSettings, logger: Logger): Promise<MailTransport> {
  const { host, port, tls, rootCA, username, password, from } = settings;
  const { createTransport } = await import("nodemailer");
  const transport = createTransport({
    host,
    port,
    secure: tls === "implicit",
    requireTLS: tls === "starttls",
    ignoreTLS: tls === "none",
    tls: { servername: host, minVersion: "TLSv1.2", ...(rootCA === "" ? {} : { ca: readFileSync(rootCA, "utf8") }) },
    ...(username === "" ? {} : { auth: { user: username, pass: password.reveal() } }),
    ...timeouts,
    // Attachments from files or addresses: we have none, so nothing in a mail may ask for one.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const domain = from.address.slice(from.address.lastIndexOf("@") + 1);
  return {
    async deliver(id, { to, subject, text, html, locale }) {
      try {
        await transport.sendMail({
          // A copy: nodemailer writes into it, and the configuration is frozen.
          from: { ...from },
          // As an object, so that no character of it is read as a list or a name.
          to: { name: "", address: to },
          subject,
          text,
          html,
          messageId: `<${id}@${domain}>`,
          headers: {
            "Content-Language": locale,
            // No vacation notice answers it. RFC 3834 §5.
            "Auto-Submitted": "auto-generated",
          },
        });
        return "taken";
      } catch (error) {
        const handover = handoverOf(error);
        logger.warn("mail server did not take a mail", { mail_id: id, host, handover }, error);
        return handover;
      }
    },
    close: () => transport.close(),
  };
}

/**
 * Only a word about this mail (its recipient, its content) is final. A refused login or a broken line is the operator's
 * or the network's matter, and ends.
 */
function handoverOf(error: unknown): Handover {
  if (typeof error !== "object" || error === null) return "later";
  const code = "code" in error ? error.code : undefined;
  const responseCode = "responseCode" in error ? error.responseCode : undefined;
  const isAboutMail = code === "EENVELOPE" || code === "EMESSAGE";
  return isAboutMail && typeof responseCode === "number" && responseCode >= 500 ? "never" : "later";
}
