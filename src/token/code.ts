import { keyedHash } from "../kernel/derive.ts";
import { idFromBytes, isId } from "../kernel/ids.ts";
import type { AuthCode, SpentCode } from "../storage/records.ts";

/** A code is valid for this long, whatever the configuration says. compat(dex): server/authflow. RFC 6749 §4.1.2. */
export const codeLifetime = 30 * 60 * 1000;

/**
 * The code that answers one flow: 33 characters in Dex's alphabet, whose own codes have 25. RFC 6749 §10.10 asks for
 * 160 bits, and the conformance suite measures. It is derived from the flow, not drawn, so that a flow can be
 * answered once: a second answer meets the first one's record. The flow's id has 128 bits and never leaves the
 * server unsealed.
 */
export const codeOf = (key: Uint8Array, flowId: string): string =>
  idFromBytes(keyedHash(key, "code", flowId).subarray(0, 21));

/** Where the code is stored: a keyed hash of it. "1" is in no id of Dex, so the one is never taken for the other. */
export const codeRecordId = (key: Uint8Array, code: string): string =>
  `h1${idFromBytes(keyedHash(key, "code-record", code).subarray(0, 16))}`;

/** What a code leaves behind: nothing of its person, and no client that could redeem it, not with Dex either. */
export const spentCode = (id: string, expiry: number, spent: SpentCode): AuthCode => ({
  id,
  clientId: "",
  redirectUri: "",
  nonce: "",
  scopes: [],
  connectorId: "",
  claims: { userId: "", username: "", preferredUsername: "", email: "", emailVerified: false, groups: [] },
  expiry,
  sessionId: "",
  authTime: 0,
  codeChallenge: "",
  codeChallengeMethod: "",
  spent,
});

/** The ids under which a presented code may be stored: ours, then the code itself where Dex wrote it. */
export function codeRecordIds(key: Uint8Array, code: string): readonly string[] {
  return isId(code) ? [codeRecordId(key, code), code] : [codeRecordId(key, code)];
}
