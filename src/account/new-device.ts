import { keyedHash } from "../kernel/derive.ts";
import { idFromBytes } from "../kernel/ids.ts";
import { AlreadyExistsError } from "../storage/contract.ts";
import type { AccountDeps, Asker } from "./account.ts";
import { mailNotice } from "./mails.ts";

/** Milliseconds for which a device that is not used stays known. */
const memory = 180 * 24 * 3_600_000;
/** Milliseconds within which whoever is the first to see a device has told of it, or has died. */
const claim = 60_000;
const day = 24 * 3_600_000;

interface Person {
  readonly userId: string;
  readonly email: string;
}

/**
 * Tells a person of a login from a kind of device that they have not used before; the first one of all is no news. Kept
 * under a hash of its name ("Firefox · Linux"): a browser's update is no new device.
 * `person`'s password was right. That is when they are told, also where a second factor is still to come: who has stolen
 * the password and stops there is the one to be told of. Resolves once the notice is in the outbox, and before that nobody
 * is let in: else a server that dies would let them in unseen. That it takes time tells nothing, the password was right.
 */
export async function noticeDevice(person: Person, asker: Asker, deps: AccountDeps): Promise<void> {
  if (deps.mailer === undefined || asker.device === "") return;
  const [anyDevice, thisDevice] = ["", asker.device].map((device) => deviceId(person, device, deps)) as [
    string,
    string,
  ];
  const [isFirst, isNew] = await Promise.all([isNews(anyDevice, person, deps), isNews(thisDevice, person, deps)]);
  if (isNew && !isFirst) await mailNotice(person.email, "newDevice", asker, deps);
  const news = [...(isFirst ? [anyDevice] : []), ...(isNew ? [thisDevice] : [])];
  await Promise.all(news.map((id) => remember(id, deps)));
}

type Deps = Pick<AccountDeps, "storage" | "tokenKey" | "clock">;

const deviceId = ({ userId }: Person, device: string, { tokenKey }: Deps): string =>
  idFromBytes(keyedHash(tokenKey, "device", userId, device));

/** True: it was not known, and of several logins at once this is the one that tells. It is known for a moment from now on. */
async function isNews(id: string, { userId }: Person, deps: Deps): Promise<boolean> {
  const { storage, clock } = deps;
  const now = clock.now();
  const expiry = now + claim;
  const known = await storage.accountTokens.get(id);
  if (known === undefined) {
    const empty = { email: "", newEmail: "", passwordTag: "", back: "" };
    try {
      await storage.accountTokens.create({ id, purpose: "device", userId, ...empty, createdAt: now, expiry });
      return true;
    } catch (error) {
      if (!(error instanceof AlreadyExistsError)) throw error;
      return false;
    }
  }
  if (known.expiry < now) {
    let isOurs = false;
    await storage.accountTokens.update(id, (current) => {
      isOurs = current.expiry < now;
      return isOurs ? { ...current, expiry } : current;
    });
    return isOurs;
  }
  // Once a day is often enough; and what somebody else is about to tell of is theirs.
  if (known.expiry > expiry && known.expiry < now + memory - day) await remember(id, deps);
  return false;
}

/** Known for long. Whoever is to be told of it has been. */
async function remember(id: string, { storage, clock }: Deps): Promise<void> {
  const expiry = clock.now() + memory;
  await storage.accountTokens.update(id, (current) => ({ ...current, expiry }));
}
