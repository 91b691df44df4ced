import type { Clock } from "../kernel/ports.ts";
import { AlreadyExistsError, type Storage } from "../storage/contract.ts";
import { tagOfTokenId } from "./grant-tag.ts";

/** Tokens that no longer count though their signature and time do. RFC 7009. */
export interface Revocations {
  /** Whether this token, or the whole grant that it came from, was revoked. At most two reads by key, mostly none. */
  isRevoked(jti: string): Promise<boolean>;
  /** `id`: a `jti`, or the tag of a grant. `expiry`: when the last such token dies by itself, in milliseconds. Idempotent. */
  revoke(id: string, expiry: number): Promise<void>;
}

/** How long "not revoked" is believed without asking: another replica's revocation counts here after this. */
const negativeLifetime = 1_000;
/** Ids remembered, some 100 bytes each. */
const mostIds = 20_000;

export function openRevocations(storage: Pick<Storage, "revokedTokens">, clock: Clock): Revocations {
  /** By id: revoked, or when it was last seen not to be. */
  const known = new Map<string, true | number>();

  const remember = (id: string, state: true | number): void => {
    // A slow read that began before the revocation must not bring the token back to life.
    if (known.get(id) === true) return;
    known.delete(id);
    known.set(id, state);
    if (known.size <= mostIds) return;
    const [oldest] = known.keys();
    if (oldest !== undefined) known.delete(oldest);
  };

  const isIdRevoked = (id: string): boolean | Promise<boolean> => {
    const state = known.get(id);
    if (state === true) return true;
    const age = state === undefined ? Number.NaN : clock.now() - state;
    return age >= 0 && age < negativeLifetime ? false : ask(id);
  };

  const ask = async (id: string): Promise<boolean> => {
    const askedAt = clock.now();
    const isThere = (await storage.revokedTokens.get(id)) !== undefined;
    remember(id, isThere ? true : askedAt);
    return isThere || known.get(id) === true;
  };

  return {
    async isRevoked(jti) {
      const [token, grant] = [isIdRevoked(jti), isIdRevoked(tagOfTokenId(jti))];
      return (await token) || grant;
    },
    async revoke(id, expiry) {
      try {
        if (expiry >= clock.now()) await storage.revokedTokens.create({ id, expiry });
      } catch (error) {
        if (!(error instanceof AlreadyExistsError)) throw error;
      }
      remember(id, true);
    },
  };
}
