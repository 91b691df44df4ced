import { compactVerify, decodeProtectedHeader, errors, type JWK } from "jose";
import { z } from "zod";
import type { Clock } from "../../kernel/ports.ts";
import { type Claims, claimsIn } from "./claims.ts";
import { readJson } from "./read-json.ts";
import { singleFlight } from "./single-flight.ts";

/** A signed text whose signature is right. */
export interface Verified {
  readonly claims: Claims;
  readonly type: string | undefined;
}

/** The provider's keys, and what they sign. */
export interface KeySet {
  /** @throws {InvalidTokenError} Not signed by the provider. @throws {UnavailableError} Its keys cannot be asked for. */
  verify(token: string, algorithms: readonly string[]): Promise<Verified>;
  /** What the keys of now are called, asked for afresh. @throws As `verify`. */
  names(): Promise<readonly string[]>;
}

/** A token is not what it should be. The message does not quote it. */
export class InvalidTokenError extends Error {
  override readonly name = "InvalidTokenError";
}

const jwks = z.object({ keys: z.array(z.record(z.string(), z.unknown())) });

/** After this long the keys are asked for again, so that one that was withdrawn stops working. */
const lifetime = 3_600_000;
/** A stranger's token with an unknown key makes us ask at most this often. */
const cooldown = 5_000;
/** A provider has a handful. Each one may cost a verification. */
const maxKeys = 100;
const maxToken = 1_000_000;

/** `uri` is asked each time, since discovery may move it. */
export function createKeySet(fetch: typeof globalThis.fetch, uri: () => string, clock: Clock): KeySet {
  let keys: readonly JWK[] = [];
  let readAt = Number.NEGATIVE_INFINITY;
  const fly = singleFlight<void>();

  // Without anybody's signal: whoever asked first may go, and the others still want the keys.
  const read = (): Promise<void> =>
    fly("keys", async () => {
      const askedAt = clock.now();
      const answer = await readJson(await fetch(uri()), jwks, "oidc: keys");
      keys = answer.keys.slice(0, maxKeys).filter(isSigningKey);
      readAt = askedAt;
    });

  return {
    async names() {
      await read();
      return keys.map(({ kid = "without a name", kty = "", alg }) => `${kid} (${alg ?? kty})`);
    },
    async verify(token, algorithms) {
      const header = headerOf(token, algorithms);
      const age = clock.now() - readAt;
      if (age >= lifetime) await readOrKeep();
      const known = await tryKeys(token, header, keys);
      if (known !== undefined) return known;
      // The provider may have rotated them a moment ago.
      if (clock.now() - readAt >= cooldown) {
        await read();
        const renewed = await tryKeys(token, header, keys);
        if (renewed !== undefined) return renewed;
      }
      throw new InvalidTokenError("failed to verify signature: no key of the provider's made it");

      async function readOrKeep(): Promise<void> {
        try {
          await read();
        } catch (error) {
          // A day without answer, and they are too old to trust.
          if (age >= 24 * lifetime) throw error;
        }
      }
    },
  };
}

interface Header {
  readonly alg: string;
  readonly kid: string | undefined;
  readonly typ: string | undefined;
}

/** What the header says, as far as it counts: keys it brings or points at (`jwk`, `jku`, `x5c`) are nobody's. */
function headerOf(token: string, algorithms: readonly string[]): Header {
  if (token.length > maxToken) throw new InvalidTokenError("the token is too long");
  if (token.split(".").length !== 3) throw new InvalidTokenError("the token is no signed JWT");
  let header: ReturnType<typeof decodeProtectedHeader>;
  try {
    header = decodeProtectedHeader(token);
  } catch {
    throw new InvalidTokenError("the token has no readable header");
  }
  const { alg, kid, typ, crit } = header;
  if (alg === undefined || !algorithms.includes(alg)) {
    throw new InvalidTokenError("the token is signed with an algorithm that the provider does not advertise");
  }
  if (crit !== undefined) throw new InvalidTokenError("the token has extensions that we do not know");
  return { alg, kid: typeof kid === "string" && kid !== "" ? kid : undefined, typ };
}

async function tryKeys(token: string, { alg, kid, typ }: Header, keys: readonly JWK[]): Promise<Verified | undefined> {
  for (const key of keys) {
    if ((kid !== undefined && key.kid !== kid) || !isFor(key, alg)) continue;
    try {
      const { payload } = await compactVerify(token, { ...key, alg }, { algorithms: [alg] });
      return { claims: readPayload(payload), type: typ };
    } catch (error) {
      if (error instanceof InvalidTokenError) throw error;
      // Another key may have signed it; a key that cannot be used (a tiny RSA one) did not.
      if (!(error instanceof errors.JOSEError || error instanceof TypeError || error instanceof DOMException))
        throw error;
    }
  }
  return undefined;
}

function readPayload(payload: Uint8Array): Claims {
  const claims = claimsIn(new TextDecoder().decode(payload));
  if (claims === undefined) throw new InvalidTokenError("the token holds no claims");
  return claims;
}

const kinds: Readonly<Record<string, string>> = { RS: "RSA", PS: "RSA", ES: "EC", Ed: "OKP" };

const isFor = (key: JWK, alg: string): boolean =>
  key.kty === kinds[alg.slice(0, 2)] && (key.alg === undefined || key.alg === alg);

/** A public key to check signatures with: no shared secret, no key for encryption, nothing private. */
function isSigningKey(key: Readonly<Record<string, unknown>>): key is JWK & Record<string, unknown> {
  return (
    (key.kty === "RSA" || key.kty === "EC" || key.kty === "OKP") &&
    (key.use === undefined || key.use === "sig") &&
    !Object.hasOwn(key, "d")
  );
}
