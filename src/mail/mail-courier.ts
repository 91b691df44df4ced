import { z } from "zod";
import { newId } from "../kernel/ids.ts";
import { createOutbox } from "../kernel/outbox.ts";
import type { Clock, Logger, Random } from "../kernel/ports.ts";
import type { Sealer } from "../kernel/seal.ts";
import type { Storage } from "../storage/contract.ts";
import type { MailDelivery } from "../storage/records.ts";
import type { Mail, Mailer, MailTransport, WishGranter } from "./contract.ts";

/**
 * The outbox. A mail is in storage, sealed, before it is tried, and leaves it when the server has taken it or never
 * will; a server that dies in between loses none. `kernel/outbox.ts` says when it is tried. A crash after the server took
 * a mail sends it again, with the same Message-ID. A wish for a mail waits in the same place until it is granted.
 */
export interface MailCourier extends Mailer {
  /** Delivers what is due, until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export interface MailCourierDeps {
  readonly storage: Pick<Storage, "mailDeliveries">;
  readonly transport: MailTransport;
  readonly grant: WishGranter;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

const purposes = { mail: "mail/outbox", wish: "mail/wish" } as const;
/** The first is the time that a try may take: meanwhile no other replica tries. Greylisting opens after minutes. RFC 6647. */
const secondsBetween = [60, 120, 300, 900, 1800, 3600] as const;

const kept = z.object({ to: z.string(), subject: z.string(), text: z.string(), html: z.string(), locale: z.string() });

export function createMailCourier(deps: MailCourierDeps): MailCourier {
  const { storage, sealer, clock, random, logger } = deps;
  const outbox = createOutbox<MailDelivery>({
    store: storage.mailDeliveries,
    handOver: (mail) => deliver(mail, deps),
    secondsBetween,
    lookInterval: 60_000,
    mostAtOnce: 4,
    postponed: ({ id }, error) => logger.warn("mail postponed", { mail_id: id }, error),
    unreadable: (error) => logger.error("mails that wait could not be read", {}, error),
    clock,
  });
  async function keep(purpose: string, what: object, lifetime: number): Promise<void> {
    const now = clock.now();
    const id = newId(random);
    const content = sealer.seal(purpose, id, JSON.stringify(what));
    const delivery = { id, content, createdAt: now, attempts: 0, nextAttempt: now, expiry: now + lifetime };
    await storage.mailDeliveries.create(delivery);
    outbox.wait(delivery);
  }
  return {
    send: (mail, lifetime) => keep(purposes.mail, mail, lifetime),
    wish: (wish, lifetime) => keep(purposes.wish, wish, lifetime),
    async run(signal) {
      await outbox.run(signal);
      deps.transport.close();
    },
  };
}

/** True: nothing is left to do with it. */
async function deliver(
  delivery: MailDelivery,
  { sealer, transport, grant, logger }: MailCourierDeps,
): Promise<boolean> {
  const fields = { mail_id: delivery.id, attempt: delivery.attempts };
  const wish = sealer.open(purposes.wish, delivery.id, delivery.content);
  if (wish !== undefined) {
    await grant(JSON.parse(wish));
    return true;
  }
  const opened = sealer.open(purposes.mail, delivery.id, delivery.content);
  if (opened === undefined) {
    logger.error("mail dropped: it was sealed with another key", fields);
    return true;
  }
  const handover = await transport.deliver(delivery.id, kept.parse(JSON.parse(opened)) satisfies Mail);
  if (handover === "taken") logger.info("mail delivered", fields);
  if (handover === "never") logger.warn("mail dropped: the server refuses it", fields);
  return handover !== "later";
}
