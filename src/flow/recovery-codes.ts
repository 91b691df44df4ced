/**
 * Ten codes for the day when the phone is gone: shown once, each good once, kept as keyed hashes. They lie among the
 * person's factors under a name of their own, which Dex passes over.
 */
import { keyedHash } from "../kernel/derive.ts";
import type { Random } from "../kernel/ports.ts";
import { Secret } from "../kernel/secret.ts";
import { secretEqual } from "../kernel/secret-equal.ts";
import { acr } from "../oauth/acr.ts";
import type { UserIdentity, UserKey } from "../storage/records.ts";
import type { FlowDeps } from "./contract.ts";
import type { Factor, FactorProof } from "./factor-contract.ts";

/** No authenticator can have this id: it would have to be configured so. */
const recoveryId = "$recovery";
const recoveryType = "RecoveryCodes";
const count = 10;
/** Crockford's 32: without those that look like others. */
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
const length = 10;

type Deps = Pick<FlowDeps, "storage" | "recoveryKey" | "clock" | "random">;

/** 50 bits, `abcde-fghjk`. */
function newCode(random: Random): string {
  const code = [...random.bytes(length)].map((byte) => alphabet[byte % alphabet.length]).join("");
  return `${code.slice(0, 5)}-${code.slice(5)}`;
}

const hashOf = (key: Uint8Array, { userId, connectorId }: UserKey, code: string): string =>
  keyedHash(key, "recovery", userId, connectorId, code.toLowerCase().replace(/[^a-z0-9]/g, "")).toString("base64url");

/** How many codes are left. */
export const codesLeft = (identity: UserIdentity): number => hashesOf(identity).length;

function hashesOf({ mfaSecrets }: UserIdentity): readonly string[] {
  const kept = mfaSecrets[recoveryId];
  return kept?.type === recoveryType
    ? kept.secret
        .reveal()
        .split(" ")
        .filter((hash) => hash !== "")
    : [];
}

/** New codes in place of what there was. They are seen now or never. */
export async function renewCodes(user: UserKey, deps: Deps): Promise<readonly string[]> {
  const { codes, hashes } = newCodes(user, deps);
  await deps.storage.userIdentities.update(keyOf(user), (identity) => withHashes(identity, hashes, deps));
  return codes;
}

function newCodes(user: UserKey, { random, recoveryKey }: Deps) {
  const codes = Array.from({ length: count }, () => newCode(random));
  return { codes, hashes: codes.map((code) => hashOf(recoveryKey, user, code)) };
}

const keyOf = ({ userId, connectorId }: UserKey): UserKey => ({ userId, connectorId });

/** Whether the person was ever given codes, be all of them used. */
export const hasHadCodes = ({ mfaSecrets }: UserIdentity): boolean => mfaSecrets[recoveryId]?.type === recoveryType;

/** The first codes of somebody who has none; undefined: they have some. Of two tabs one is shown them. */
export async function firstCodes(user: UserKey, deps: Deps): Promise<readonly string[] | undefined> {
  const { codes, hashes } = newCodes(user, deps);
  let isFirst = false;
  await deps.storage.userIdentities.update(keyOf(user), (identity) => {
    isFirst = codesLeft(identity) === 0;
    return isFirst ? withHashes(identity, hashes, deps) : identity;
  });
  return isFirst ? codes : undefined;
}

/** Without codes: there is nothing left that they stand for. */
export function withoutCodes(identity: UserIdentity): UserIdentity {
  const { [recoveryId]: _, ...mfaSecrets } = identity.mfaSecrets;
  return { ...identity, mfaSecrets };
}

function withHashes(identity: UserIdentity, hashes: readonly string[], { clock }: Deps): UserIdentity {
  const kept = {
    authenticatorId: recoveryId,
    type: recoveryType,
    secret: new Secret(hashes.join(" ")),
    confirmed: true,
    createdAt: clock.now(),
    lastUsedCounter: 0,
  };
  return { ...identity, mfaSecrets: { ...identity.mfaSecrets, [recoveryId]: kept } };
}

/** Spends a code in place of `factor`. Of several requests with one code exactly one is proved. */
export async function proveRecovery(
  factor: Factor,
  user: UserKey,
  code: string,
  deps: Deps,
): Promise<FactorProof | undefined> {
  const hash = hashOf(deps.recoveryKey, user, code);
  let isProved = false;
  await deps.storage.userIdentities.update(user, (identity) => {
    const hashes = hashesOf(identity);
    const left = hashes.filter((kept) => !secretEqual(kept, hash));
    isProved = left.length < hashes.length;
    return isProved ? withHashes(identity, left, deps) : identity;
  });
  return isProved ? { factor: factor.id, amr: ["otp"], contexts: [acr.multiFactor] } : undefined;
}
