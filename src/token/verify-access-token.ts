import type { Clock } from "../kernel/ports.ts";
import type { PublicJwk, Signer } from "../signer/contract.ts";
import type { Storage } from "../storage/contract.ts";
import type { BlockedUsers } from "./blocked-users.ts";
import { marksOf, type Revocable, type Revocations } from "./revocations.ts";
import { endsWithSession, isSessionLive } from "./session-life.ts";
import { decodeSubject, type Subject } from "./subject.ts";

export interface VerifyDeps {
  readonly issuer: string;
  readonly signer: Signer;
  readonly revocations: Revocations;
  readonly blockedUsers: BlockedUsers;
  /** Undefined where sessions are off: then nothing ends with one. */
  readonly sessions: Pick<Storage, "authSessions" | "clients"> | undefined;
  readonly clock: Clock;
}

export type VerifiedAccessToken =
  | { readonly ok: true; readonly payload: string; readonly claims: TokenClaims }
  | { readonly ok: false; readonly because: string };

export type TokenClaims = Readonly<Record<string, unknown>>;

/** Whether a token of ours still counts: signature, issuer, time, kind, revocation, its person, its session. RFC 8725 §3. */
export type TokenVerifier = (jwt: string) => Promise<VerifiedAccessToken>;

/** What a signature covers never changes, so it is checked once. Some 3 KiB each. */
const mostTokens = 4_096;
const longestKept = 4_096;

interface Signed {
  readonly payload: string;
  readonly claims: TokenClaims;
  /** The keys there were: with another list the signature is checked again, for its key may be gone. */
  readonly keys: readonly PublicJwk[];
  readonly revocable: Revocable;
  /** Undefined: a client that speaks for itself. */
  readonly person: Subject | undefined;
}

/** Resource servers show the same token again and again; signatures once checked are remembered, nothing else is. */
export function openTokenVerifier(deps: VerifyDeps): TokenVerifier {
  const { issuer, signer, revocations, blockedUsers, clock } = deps;
  const checked = new Map<string, Signed>();

  const checkSignature = async (jwt: string, keys: readonly PublicJwk[]): Promise<Signed | string> => {
    const verified = await signer.verify(jwt);
    if (verified === undefined) return "no key of ours signed it";
    const claims = objectOf(verified.payload);
    if (claims === undefined) return "the payload is no object";
    const signed = {
      payload: verified.payload,
      claims,
      keys,
      revocable: revocableOf(claims),
      person: personOf(claims),
    };
    if (jwt.length > longestKept) return signed;
    checked.set(jwt, signed);
    const [oldest] = checked.size > mostTokens ? checked.keys() : [];
    if (oldest !== undefined) checked.delete(oldest);
    return signed;
  };

  return async (jwt) => {
    const keys = await signer.publicKeys();
    const before = checked.get(jwt);
    const signed = before?.keys === keys ? before : await checkSignature(jwt, keys);
    if (typeof signed === "string") return { ok: false, because: signed };
    const { payload, claims, revocable, person } = signed;
    if (claims.iss !== issuer) return { ok: false, because: "another issuer" };
    // A logout token is signed by the same keys and proves nothing about a caller. OIDC Back-Channel Logout §2.4.
    if (claims.events !== undefined) return { ok: false, because: "a logout token" };
    if (typeof claims.exp !== "number" || claims.exp * 1000 <= clock.now()) return { ok: false, because: "expired" };
    if (await revocations.isRevoked(revocable)) return { ok: false, because: "revoked" };
    if (person !== undefined && (await blockedUsers.until(person)) > clock.now())
      return { ok: false, because: "its person is locked out" };
    if (await isOfEndedSession(claims, deps)) return { ok: false, because: "its session has ended" };
    return { ok: true, payload, claims };
  };
}

const revocableOf = ({ jti, sid, sub, iat }: TokenClaims): Revocable => ({
  marks: marksOf({
    jti: typeof jti === "string" ? jti : "",
    ...(typeof sid === "string" ? { sid } : {}),
    ...(typeof sub === "string" ? { sub } : {}),
  }),
  issuedAt: Number(iat) * 1000,
});

function personOf({ sub }: TokenClaims): Subject | undefined {
  const subject = typeof sub === "string" ? decodeSubject(sub) : undefined;
  return subject === undefined || subject.connectorId === "" ? undefined : subject;
}

/** compat(dex): only tokens of clients that want it end with the session (server/introspection). */
async function isOfEndedSession({ sid, azp, aud }: TokenClaims, { sessions, clock }: VerifyDeps): Promise<boolean> {
  const clientId = azp ?? aud;
  if (sessions === undefined || typeof sid !== "string" || typeof clientId !== "string") return false;
  const client = await sessions.clients.get(clientId);
  if (client === undefined || !endsWithSession(client)) return false;
  const session = await sessions.authSessions.get(sid);
  return session === undefined || !isSessionLive(session, clock.now());
}

/** Our own signature covers the text, so its members are what we wrote. */
function objectOf(payload: string): TokenClaims | undefined {
  const value: unknown = JSON.parse(payload);
  return isRecord(value) ? value : undefined;
}

const isRecord = (value: unknown): value is TokenClaims =>
  typeof value === "object" && value !== null && !Array.isArray(value);
