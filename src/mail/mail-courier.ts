import { z } from "zod";
import { newId } from "../kernel/ids.ts";
import { type Clock, type Logger, millis, type Random } from "../kernel/ports.ts";
import type { Sealer } from "../kernel/seal.ts";
import type { Storage } from "../storage/contract.ts";
import type { MailDelivery } from "../storage/records.ts";
import type { Mail, Mailer, MailTransport } from "./contract.ts";

/**
 * The outbox. A mail is in storage, sealed, before it is tried, and leaves it when the server has taken it or never
 * will; a server that dies in between loses none. Replicas share the work as those of `flow/logout-courier.ts` do:
 * whoever moves `nextAttempt` on is the one that tries. A crash after the server took a mail sends it again, with the
 * same Message-ID.
 */
export interface MailCourier extends Mailer {
  /** Delivers what is due, until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export interface MailCourierDeps {
  readonly storage: Pick<Storage, "mailDeliveries">;
  readonly transport: MailTransport;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

const purpose = "mail/outbox";
/** The first is the time that a try may take: meanwhile no other replica tries. Greylisting opens after minutes. RFC 6647. */
const secondsBetween = [60, 120, 300, 900, 1800, 3600];
const pauseAfter = (attempts: number): number =>
  (secondsBetween[Math.min(Math.max(attempts, 1), secondsBetween.length) - 1] ?? 3600) * 1000;

const lookInterval = 60_000;
const mostAtOnce = 4;

const kept = z.object({ to: z.string(), subject: z.string(), text: z.string(), html: z.string(), locale: z.string() });

export function createMailCourier(deps: MailCourierDeps): MailCourier {
  const { storage, sealer, clock, random, logger } = deps;
  /** What waits, by id. */
  const waiting = new Map<string, MailDelivery>();
  let wake = new AbortController();

  const wait = (delivery: MailDelivery): void => {
    waiting.set(delivery.id, delivery);
    wake.abort();
  };

  async function look(): Promise<void> {
    const now = clock.now();
    for (const delivery of await storage.mailDeliveries.list()) if (delivery.expiry > now) wait(delivery);
  }

  async function attempt(delivery: MailDelivery): Promise<void> {
    waiting.delete(delivery.id);
    try {
      const claimed = await claim(delivery, deps);
      if (claimed === undefined) return;
      const isDone = await deliver(claimed, deps);
      if (isDone) await storage.mailDeliveries.delete(claimed.id);
      else if (claimed.nextAttempt < claimed.expiry) waiting.set(claimed.id, claimed);
    } catch (error) {
      // Storage is away: the record is still due, and found again.
      logger.warn("mail postponed", { mail_id: delivery.id }, error);
    }
  }

  async function tryDue(): Promise<void> {
    const now = clock.now();
    const due = [...waiting.values()].filter(({ nextAttempt }) => nextAttempt <= now);
    for (let at = 0; at < due.length; at += mostAtOnce) await Promise.all(due.slice(at, at + mostAtOnce).map(attempt));
  }

  /** Until something is due, or waits that did not before. */
  async function rest(nextLook: number, signal: AbortSignal): Promise<void> {
    let until = nextLook;
    for (const { nextAttempt } of waiting.values()) until = Math.min(until, nextAttempt);
    if (until <= clock.now()) return;
    await clock.sleep(millis(until - clock.now()), AbortSignal.any([signal, wake.signal])).catch(() => undefined);
  }

  return {
    async send(mail, lifetime) {
      const now = clock.now();
      const id = newId(random);
      const content = sealer.seal(purpose, id, JSON.stringify(mail));
      const delivery = { id, content, createdAt: now, attempts: 0, nextAttempt: now, expiry: now + lifetime };
      await storage.mailDeliveries.create(delivery);
      wait(delivery);
    },
    async run(signal) {
      for (let nextLook = clock.now(); !signal.aborted; ) {
        wake = new AbortController();
        try {
          if (clock.now() >= nextLook) {
            nextLook = clock.now() + lookInterval;
            await look();
          }
          await tryDue();
        } catch (error) {
          logger.error("mails that wait could not be read", {}, error);
        }
        await rest(nextLook, signal);
      }
      deps.transport.close();
    },
  };
}

/** Moves the next attempt on; undefined: somebody else has the mail, or it has gone. */
async function claim(delivery: MailDelivery, { storage, clock }: MailCourierDeps): Promise<MailDelivery | undefined> {
  let claimed: MailDelivery | undefined;
  await storage.mailDeliveries.update(delivery.id, (current) => {
    claimed = undefined;
    if (current.attempts !== delivery.attempts) return current;
    const attempts = current.attempts + 1;
    claimed = { ...current, attempts, nextAttempt: clock.now() + pauseAfter(attempts) };
    return claimed;
  });
  return claimed;
}

/** True: nothing is left to do with it. */
async function deliver(delivery: MailDelivery, { sealer, transport, logger }: MailCourierDeps): Promise<boolean> {
  const fields = { mail_id: delivery.id, attempt: delivery.attempts };
  const opened = sealer.open(purpose, delivery.id, delivery.content);
  if (opened === undefined) {
    logger.error("mail dropped: it was sealed with another key", fields);
    return true;
  }
  const handover = await transport.deliver(delivery.id, kept.parse(JSON.parse(opened)) satisfies Mail);
  if (handover === "taken") logger.info("mail delivered", fields);
  if (handover === "never") logger.warn("mail dropped: the server refuses it", fields);
  return handover !== "later";
}
