import type { SigningAlgorithm } from "../contract.ts";
import { isSigningAlgorithm } from "./algorithms.ts";

/** A token taken apart, not yet believed. */
export interface CompactJws {
  readonly alg: SigningAlgorithm;
  readonly kid: string;
  readonly signingInput: string;
  readonly payload: Buffer;
  readonly signature: Buffer;
}

/** Room for some two thousand groups; what is longer was not signed here. */
const maxLength = 262_144;
/** Our own headers have under 100 characters; a foreign one is not worth parsing. */
const maxHeaderLength = 1_024;

/**
 * The parts of a JWS in compact form, or undefined. Strict, so that one token has one spelling: exactly three
 * parts, unpadded canonical base64url, a JSON object with `alg` and `kid` in front. RFC 7515 §7.1, §5.2.
 */
export function parseCompactJws(jwt: string): CompactJws | undefined {
  if (jwt.length > maxLength) return undefined;
  const afterHeader = jwt.indexOf(".");
  const afterPayload = jwt.indexOf(".", afterHeader + 1);
  if (afterHeader <= 0 || afterHeader > maxHeaderLength || afterPayload < 0) return undefined;
  const header = parseHeader(jwt.slice(0, afterHeader));
  const payload = decodeBase64url(jwt.slice(afterHeader + 1, afterPayload));
  // A fourth part leaves a dot in here, which is no base64url.
  const signature = decodeBase64url(jwt.slice(afterPayload + 1));
  if (header === undefined || payload === undefined || signature === undefined) return undefined;
  return { ...header, signingInput: jwt.slice(0, afterPayload), payload, signature };
}

function parseHeader(part: string): { readonly alg: SigningAlgorithm; readonly kid: string } | undefined {
  const bytes = decodeBase64url(part);
  const text = bytes && decodeUtf8(bytes);
  if (text === undefined) return undefined;
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof header !== "object" || header === null || Array.isArray(header)) return undefined;
  if (!("alg" in header) || !("kid" in header) || typeof header.kid !== "string") return undefined;
  // We understand no extension, so one that must be understood ends it. RFC 7515 §4.1.11.
  if ("crit" in header || !isSigningAlgorithm(header.alg)) return undefined;
  return { alg: header.alg, kid: header.kid };
}

/** Undefined for padding, foreign characters, and unused bits that are not zero: Node's decoder lets them all pass. */
function decodeBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : undefined;
}

// A byte order mark is part of what was signed.
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text of `bytes`, or undefined if they are no UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}
