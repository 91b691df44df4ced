import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from "node:crypto";
import type { SessionHolder, SessionKey } from "../flow/session-contract.ts";
import type { HttpAnswer, HttpRequest } from "../http/contract.ts";
import { setCookie } from "../http/cookies.ts";
import type { Secret } from "../kernel/secret.ts";
import { systemRandom } from "../kernel/system.ts";
import { decodeTwoStrings, encodeTwoStrings } from "../kernel/two-strings.ts";
import { withCookie } from "./with-cookie.ts";

/** The cookies of sessions: what a request brings, and what its answer sets. */
export interface SessionCookies {
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
  /** 16, 24 or 32 bytes. */
  readonly encryptionKey?: Secret;
}

interface Change {
  readonly cookie: string;
}

/** compat(dex): name, attributes, the value's protobuf and its encryption (server/session, server/internal/cookie.go). */
export function createSessionCookies(options: SessionCookieOptions): SessionCookies {
  const codec = codecOf(options.encryptionKey);
  const { pathname, protocol } = new URL(options.issuer);
  const attributes = { path: pathname, httpOnly: true, secure: protocol === "https:", sameSite: "Lax" } as const;
  const holders = new WeakMap<HttpRequest, SessionHolder>();
  const changes = new WeakMap<HttpRequest, Change>();

  function open(request: HttpRequest): SessionHolder {
    const value = request.cookies[options.name];
    const presented = value === undefined || value === "" ? undefined : codec.decode(value);
    const change = (text: string, maxAge: number | undefined): void => {
      const lasting = maxAge === undefined ? attributes : { ...attributes, maxAge };
      changes.set(request, { cookie: setCookie(options.name, text, lasting) });
    };
    const letGo = (): void => {
      if (value !== undefined && value !== "") change("", 0);
    };
    if (presented === undefined) letGo();
    return {
      presented,
      letGo,
      hold: (key, isRemembered) =>
        change(codec.encode(key), isRemembered ? Math.floor(options.absoluteLifetime / 1000) : undefined),
    };
  }

  return {
    holderOf(request) {
      const known = holders.get(request) ?? open(request);
      holders.set(request, known);
      return known;
    },
    finish: (request, answer) => withCookie(answer, changes.get(request)?.cookie),
  };
}

/** Where sessions are switched off: no cookie is read, none is set. */
export const noSessionCookies: SessionCookies = {
  holderOf: () => ({ presented: undefined, hold: () => {}, letGo: () => {} }),
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
