import { hash } from "node:crypto";
import type { Clock } from "../kernel/ports.ts";
import { AlreadyExistsError, type Storage } from "../storage/contract.ts";
import type { RevokedToken } from "../storage/records.ts";
import { tagOfTokenId } from "./grant-tag.ts";

/** What of a token may be revoked. */
export interface Revocable {
  /** See {@link marksOf}. */
  readonly marks: readonly string[];
  /** Milliseconds. */
  readonly issuedAt: number;
}

/** Tokens that no longer count though their signature and time do. RFC 7009. */
export interface Revocations {
  /** Whether this token, the grant or session it came from, or its person was revoked. At most four reads by key, mostly none. */
  isRevoked(token: Revocable): Promise<boolean>;
  /**
   * `id`: a `jti`, the tag of a grant, a {@link sessionMark}, a {@link personMark}. `expiry`: when the last such token dies
   * by itself. `issuedBefore`: those issued later count. All in milliseconds. Idempotent.
   */
  revoke(id: string, expiry: number, issuedBefore?: number): Promise<void>;
}

/** All tokens of a session. */
export const sessionMark = (sid: string): string => `s:${sid}`;

/** All tokens of a person, by their `sub`: a hash, for columns are short and upstreams' ids may be long. */
export const personMark = (sub: string): string => `p:${hash("sha256", sub, "base64url")}`;

/** The ids under which a token may be revoked: its own, its grant's, its session's, its person's. Always the same for one token. */
export function marksOf(token: {
  readonly jti: string;
  readonly sid?: string;
  readonly sub?: string;
}): readonly string[] {
  const marks = [token.jti, tagOfTokenId(token.jti)];
  if (token.sid !== undefined) marks.push(sessionMark(token.sid));
  if (token.sub !== undefined) marks.push(personMark(token.sub));
  return marks;
}

/** Milliseconds for which a look is believed: another replica's revocation counts here after this. */
const lifetime = 1_000;
/** Ids remembered, some 100 bytes each. */
const mostIds = 20_000;

/** All of an id's tokens are revoked, which no later look changes; or those up to a moment, as far as was known then. */
type State = "all" | { readonly issuedBefore: number; readonly seenAt: number };

export function openRevocations(storage: Pick<Storage, "revokedTokens">, clock: Clock): Revocations {
  const known = new Map<string, State>();

  const remember = (id: string, state: State): State => {
    // A slow read that began before the revocation must not bring the token back to life.
    const kept = later(known.get(id), state);
    known.delete(id);
    known.set(id, kept);
    const [oldest] = known.size > mostIds ? known.keys() : [];
    if (oldest !== undefined) known.delete(oldest);
    return kept;
  };

  const stateOf = (id: string): State | Promise<State> => {
    const state = known.get(id);
    if (state === undefined || state === "all") return state ?? ask(id);
    const age = clock.now() - state.seenAt;
    return age >= 0 && age < lifetime ? state : ask(id);
  };

  const ask = async (id: string): Promise<State> => {
    const seenAt = clock.now();
    const record = await storage.revokedTokens.get(id);
    return remember(
      id,
      record === undefined ? { issuedBefore: Number.NEGATIVE_INFINITY, seenAt } : stateFrom(record, seenAt),
    );
  };

  const store = async (record: RevokedToken): Promise<void> => {
    try {
      await storage.revokedTokens.create(record);
    } catch (error) {
      if (!(error instanceof AlreadyExistsError)) throw error;
      // A person who was revoked before and came back.
      if (record.issuedBefore !== undefined) await storage.revokedTokens.update(record.id, () => record);
    }
  };

  return {
    async isRevoked({ marks, issuedAt }) {
      const found = marks.map(stateOf);
      // Within the second nothing is read, so nothing is waited for.
      const states = found.every(isKnown) ? found : await Promise.all(found);
      return states.some((state) => state === "all" || issuedAt <= state.issuedBefore);
    },
    async revoke(id, expiry, issuedBefore) {
      const record = { id, ...(issuedBefore === undefined ? {} : { issuedBefore }), expiry };
      const now = clock.now();
      if (expiry >= now) await store(record);
      remember(id, stateFrom(record, now));
    },
  };
}

const isKnown = (state: State | Promise<State>): state is State => !(state instanceof Promise);

const stateFrom = ({ issuedBefore }: Pick<RevokedToken, "issuedBefore">, seenAt: number): State =>
  issuedBefore === undefined ? "all" : { issuedBefore, seenAt };

function later(before: State | undefined, after: State): State {
  if (before === undefined || after === "all") return after;
  return before === "all" ? before : { ...after, issuedBefore: Math.max(before.issuedBefore, after.issuedBefore) };
}
