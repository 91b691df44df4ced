import { keyedHash } from "../kernel/derive.ts";
import { idFromBytes } from "../kernel/ids.ts";
import { AlreadyExistsError } from "../storage/contract.ts";
import type { AccountDeps, Asker } from "./account.ts";
import { mailNotice } from "./mails.ts";

/** Milliseconds for which a device that is not used stays known. */
const memory = 180 * 24 * 3_600_000;

interface Person {
  readonly userId: string;
  readonly email: string;
}

/**
 * Tells a person of a login from a kind of device that they have not used before; the first one of all is no news. Kept
 * under a hash of its name ("Firefox · Linux"): a browser's update is no new device.
 * `person`'s password was right. That is when they are told, also where a second factor is still to come: who has stolen
 * the password and stops there is the one to be told of.
 */
export function noticeDevice(person: Person, asker: Asker, deps: AccountDeps): void {
  if (deps.mailer === undefined || asker.device === "") return;
  deps.behind("notice of a new device", async () => {
    const isFirst = await remember(person, "", deps);
    const isNew = await remember(person, asker.device, deps);
    if (isNew && !isFirst) await mailNotice(person.email, "newDevice", asker, deps);
  });
}

/** True: it was not known. */
async function remember(
  { userId }: Person,
  device: string,
  { storage, tokenKey, clock }: Pick<AccountDeps, "storage" | "tokenKey" | "clock">,
): Promise<boolean> {
  const now = clock.now();
  const id = idFromBytes(keyedHash(tokenKey, "device", userId, device));
  const expiry = now + memory;
  const known = await storage.accountTokens.get(id);
  if (known !== undefined) {
    // Once a day is often enough.
    if (expiry - known.expiry > 24 * 3_600_000) {
      await storage.accountTokens.update(id, (current) => ({ ...current, expiry }));
    }
    return known.expiry < now;
  }
  const empty = { email: "", newEmail: "", passwordTag: "", back: "" };
  try {
    await storage.accountTokens.create({ id, purpose: "device", userId, ...empty, createdAt: now, expiry });
    return true;
  } catch (error) {
    if (!(error instanceof AlreadyExistsError)) throw error;
    return false;
  }
}
