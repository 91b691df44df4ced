import { hash } from "node:crypto";
import type { Keys } from "../../storage/records.ts";
import { readPublicKey, type VerificationKey } from "../shared/verification-key.ts";
import type { KeyRing } from "../shared/watched-keys.ts";
import { canSign, keysAt, nextChangeAt, type Schedule } from "./rotation-plan.ts";
import { signingKey } from "./signing-key.ts";
import { type KeyPair, readKeyPair } from "./stored-jwk.ts";

/** The stored keys made ready for use. */
export interface LocalKeyRing extends KeyRing {
  /** Why a retired key is left out, one line each. */
  readonly unreadable: readonly string[];
}

/**
 * The ring at `now`, or undefined if no key can sign yet. `before` comes back when nothing has changed since, so
 * that a look at the store every second reads no keys and drops nobody's cached `/keys`.
 * @throws {Error} The signing or the published key is damaged. Nothing may then be written: an operator must
 *   decide, since every token out there hangs on what this record once said.
 */
export function openKeyRing(
  stored: Keys,
  now: number,
  schedule: Schedule,
  before?: LocalKeyRing,
): LocalKeyRing | undefined {
  const keys = keysAt(stored, now, schedule);
  if (keys.signingKey === undefined || !canSign(keys)) return undefined;
  const fingerprint = fingerprintOf(keys);
  if (fingerprint === before?.fingerprint) return before;
  const signing = readKeyPair(keys.signingKey.reveal());
  const next = keys.extra?.next === undefined ? [] : [readKeyPair(keys.extra.next.key.reveal())];
  const { retired, unreadable } = readRetired(keys);
  const all: readonly VerificationKey[] = [signing, ...next, ...retired];
  return {
    signing: signingKey(signing),
    publicKeys: all.map(({ jwk }) => jwk),
    byKid: new Map(all.map((key) => [key.jwk.kid, withoutPrivateHalf(key)])),
    until: nextChangeAt(keys),
    unreadable,
    fingerprint,
  };
}

function fingerprintOf({ signingKey, extra, verificationKeys, nextRotation }: Keys): string {
  const all = [signingKey?.reveal(), extra?.next?.key.reveal(), verificationKeys, nextRotation];
  return hash("sha256", JSON.stringify(all));
}

/** A retired key that we cannot use is no reason not to sign: it is left out, and told of. */
function readRetired(keys: Keys): {
  readonly retired: readonly VerificationKey[];
  readonly unreadable: readonly string[];
} {
  const retired: VerificationKey[] = [];
  const unreadable: string[] = [];
  for (const { publicKey } of keys.verificationKeys) {
    try {
      retired.push(readPublicKey(publicKey));
    } catch (error) {
      unreadable.push(error instanceof Error ? error.message : String(error));
    }
  }
  return { retired, unreadable };
}

const withoutPrivateHalf = ({ jwk, key }: VerificationKey | KeyPair): VerificationKey => ({ jwk, key });
