import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from "node:crypto";
import type { SessionHolder, SessionKey } from "../flow/session-contract.ts";
import { browserStateOf } from "../flow/session-state.ts";
import type { HttpAnswer, HttpRequest } from "../http/contract.ts";
import { setCookie } from "../http/cookies.ts";
import type { Secret } from "../kernel/secret.ts";
import { systemRandom } from "../kernel/system.ts";
import { decodeTwoStrings, encodeTwoStrings } from "../kernel/two-strings.ts";
import { withCookie } from "./with-cookie.ts";

/** The cookies of sessions: what a request brings, and what its answer sets. */
export interface SessionCookies {
  /** Name of the cookie that `/session/check` reads; undefined where applications may not ask. */
  readonly stateCookie: string | undefined;
  /** The same one for every call with this request. */
  holderOf(request: HttpRequest): SessionHolder;
  /** `answer` with whatever became of the session while it was made. */
  finish(request: HttpRequest, answer: HttpAnswer): HttpAnswer;
}

export interface SessionCookieOptions {
  readonly name: string;
  readonly issuer: string;
  /** Milliseconds; a remembered cookie lives as long as a session can. */
  readonly absoluteLifetime: number;
  /** Whether applications may ask our frame. OIDC Session Management. */
  readonly hasStateFrame: boolean;
  /** 16, 24 or 32 bytes. */
  readonly encryptionKey?: Secret;
}

/** compat(dex): name, attributes, the value's protobuf and its encryption (server/session, server/internal/cookie.go). */
export function createSessionCookies(options: SessionCookieOptions): SessionCookies {
  const codec = codecOf(options.encryptionKey);
  const { pathname, protocol } = new URL(options.issuer);
  const attributes = { path: pathname, httpOnly: true, secure: protocol === "https:", sameSite: "Lax" } as const;
  const holders = new WeakMap<HttpRequest, SessionHolder>();
  const changes = new WeakMap<HttpRequest, Map<string, string>>();
  const stateCookie = options.hasStateFrame ? `${options.name}_state` : undefined;
  // Read by our own script inside another site's page, so neither hidden from scripts nor kept to this site.
  const isSecure = protocol === "https:";
  const readable = { path: pathname, secure: isSecure, sameSite: isSecure ? "None" : "Lax" } as const;

  function change(request: HttpRequest, name: string, cookie: string): void {
    const known = changes.get(request) ?? new Map<string, string>();
    changes.set(request, known.set(name, cookie));
  }

  function setState(request: HttpRequest, state: string, maxAge: number | undefined): void {
    if (stateCookie === undefined || (request.cookies[stateCookie] ?? "") === state) return;
    const lasting = state === "" ? { maxAge: 0 } : maxAge === undefined ? {} : { maxAge };
    change(request, stateCookie, setCookie(stateCookie, state, { ...readable, ...lasting }));
  }

  function open(request: HttpRequest): SessionHolder {
    const value = request.cookies[options.name];
    const presented = value === undefined || value === "" ? undefined : codec.decode(value);
    const write = (text: string, maxAge: number | undefined): void => {
      const lasting = maxAge === undefined ? attributes : { ...attributes, maxAge };
      change(request, options.name, setCookie(options.name, text, lasting));
    };
    const letGo = (): void => {
      setState(request, "", 0);
      if (value !== undefined && value !== "") write("", 0);
    };
    if (presented === undefined) letGo();
    return {
      presented,
      letGo,
      hold(key, isRemembered) {
        const maxAge = isRemembered ? Math.floor(options.absoluteLifetime / 1000) : undefined;
        write(codec.encode(key), maxAge);
        setState(request, browserStateOf(key.id), maxAge);
      },
      stateFor(sessionId) {
        if (stateCookie === undefined) return undefined;
        const state = browserStateOf(sessionId);
        // It may be missing beside a session from before; one that was just begun has set it.
        if (changes.get(request)?.has(stateCookie) !== true) setState(request, state, undefined);
        return state;
      },
    };
  }

  return {
    stateCookie,
    holderOf(request) {
      const known = holders.get(request) ?? open(request);
      holders.set(request, known);
      return known;
    },
    finish: (request, answer) => withCookie(answer, [...(changes.get(request)?.values() ?? [])]),
  };
}

/** Where sessions are switched off: no cookie is read, none is set. */
export const noSessionCookies: SessionCookies = {
  stateCookie: undefined,
  holderOf: () => ({ presented: undefined, hold: () => {}, letGo: () => {}, stateFor: () => undefined }),
  finish: (_request, answer) => answer,
};

interface Codec {
  encode(key: SessionKey): string;
  /** Undefined: not a cookie of ours, or of another key. */
  decode(value: string): SessionKey | undefined;
}

const plain: Codec = {
  encode: ({ id, secret }) => encodeTwoStrings(id, secret),
  decode(value) {
    const decoded = decodeTwoStrings(value);
    if (decoded === undefined) return undefined;
    const [id, secret] = decoded;
    return id === "" || secret === "" ? undefined : { id, secret };
  },
};

const nonceLength = 12;
const tagLength = 16;

/** AES-GCM over the plain form; the key's size chooses AES-128, -192 or -256. */
function codecOf(encryptionKey: Secret | undefined): Codec {
  if (encryptionKey === undefined) return plain;
  const bytes = Buffer.from(encryptionKey.reveal());
  const key = createSecretKey(bytes);
  const algorithm = ({ 16: "aes-128-gcm", 24: "aes-192-gcm", 32: "aes-256-gcm" } as const)[bytes.length];
  if (algorithm === undefined) throw new TypeError("a cookie key has 16, 24 or 32 bytes");
  return {
    encode(session) {
      // Not from an injected source: dice that repeat would repeat nonces, which opens GCM.
      const nonce = systemRandom.bytes(nonceLength);
      const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagLength });
      const body = [nonce, cipher.update(plain.encode(session), "utf8"), cipher.final(), cipher.getAuthTag()];
      return Buffer.concat(body).toString("base64url");
    },
    decode(value) {
      const bytes = Buffer.from(value, "base64url");
      // Node skips what is not base64; one session has one cookie.
      const text = bytes.toString("base64url") === value ? decrypt(algorithm, key, bytes) : undefined;
      return text === undefined ? undefined : plain.decode(text);
    },
  };
}

function decrypt(
  algorithm: "aes-128-gcm" | "aes-192-gcm" | "aes-256-gcm",
  key: KeyObject,
  bytes: Buffer,
): string | undefined {
  if (bytes.length < nonceLength + tagLength) return undefined;
  const tagAt = bytes.length - tagLength;
  const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, nonceLength), { authTagLength: tagLength });
  decipher.setAuthTag(bytes.subarray(tagAt));
  const text = decipher.update(bytes.subarray(nonceLength, tagAt));
  try {
    // Throws when the tag is wrong; nothing of `text` may be looked at before.
    decipher.final();
  } catch {
    return undefined;
  }
  return text.toString("utf8");
}
