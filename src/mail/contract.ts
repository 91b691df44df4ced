/**
 * Mail: what is handed over here is delivered once the mail server takes it, over restarts and by whichever replica is
 * there. The room owns the outbox and SMTP; it knows no account and no wording. RFC 5321.
 */
export interface Mail {
  /** One address, already parsed: it goes into the envelope and the header as it is. */
  readonly to: string;
  /** One line. */
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** BCP 47. */
  readonly locale: string;
}

export interface Mailer {
  /**
   * Resolves once the mail is kept; its delivery goes on behind.
   * @param lifetime Milliseconds after which nobody needs it any more: a link in it has expired.
   */
  send(mail: Mail, lifetime: number): Promise<void>;
  /**
   * Resolves once the wish for a mail is kept, as JSON; {@link WishGranter} reads it behind. What is kept, and what keeping
   * it costs, is the same whether or not there will be a mail.
   */
  wish(wish: object, lifetime: number): Promise<void>;
}

/**
 * Finds out whether there is anybody to write to, and sends the mail then. A crash may repeat it.
 * @throws {UnavailableError} It is tried again later.
 */
export type WishGranter = (wish: unknown) => Promise<void>;

/** What a mail server said. `later`: try again. `never`: it does not take this mail. RFC 5321 §4.2.1. */
export type Handover = "taken" | "later" | "never";

export interface MailTransport {
  /** Never rejects for what the server says or does: that is `later`. */
  deliver(id: string, mail: Mail): Promise<Handover>;
  close(): void;
}
