/**
 * A challenge that travels with its page, sealed: nothing is stored before somebody has proved who they are. It is bound
 * to a place (a browser and its request, a session), and what spends it is a record that two answers cannot both make.
 */
import { AlreadyExistsError } from "../storage/contract.ts";
import type { FlowDeps } from "./contract.ts";

/** What is proved by it: an answer to one means nothing to another. */
export type CeremonyKind = "sign-in" | "prove" | "add";

export interface Ceremony {
  /** base64url. */
  readonly challenge: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

type Deps = Pick<FlowDeps, "sealer" | "clock" | "random">;

const purposeOf = (kind: CeremonyKind): string => `webauthn/${kind}`;

/** A new challenge: for the browser, and sealed for the form that comes back. */
export function newCeremony(
  kind: CeremonyKind,
  place: string,
  expiresAt: number,
  { sealer, random }: Deps,
): { readonly challenge: Uint8Array; readonly sealed: string } {
  const challenge = random.bytes(32);
  const ceremony: Ceremony = { challenge: Buffer.from(challenge).toString("base64url"), expiresAt };
  return { challenge, sealed: sealer.seal(purposeOf(kind), place, JSON.stringify(ceremony)) };
}

/** What {@link newCeremony} sealed for one of `places`, in time; else undefined. */
export function openCeremony(
  kind: CeremonyKind,
  places: readonly string[],
  sealed: string,
  { sealer, clock }: Deps,
): Ceremony | undefined {
  for (const place of places) {
    const text = sealer.open(purposeOf(kind), place, sealed);
    if (text === undefined) continue;
    // The seal authenticates the text, so it is ours and needs no second schema.
    const ceremony = JSON.parse(text) as Ceremony;
    return clock.now() <= ceremony.expiresAt ? ceremony : undefined;
  }
  return undefined;
}

/** False: it was answered before. Called once the answer is verified, or strangers could fill the storage. */
export async function spendCeremony({ challenge, expiresAt }: Ceremony, { storage }: FlowDeps): Promise<boolean> {
  try {
    await storage.revokedTokens.create({ id: challenge, expiry: expiresAt });
    return true;
  } catch (error) {
    if (error instanceof AlreadyExistsError) return false;
    throw error;
  }
}
