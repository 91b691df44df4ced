/**
 * The person as their device keeps them, WebAuthn §14.6.1: bytes that say nothing to others and to us who it is, so that
 * a passkey finds its person without an index of them. Dex's say it in clear, `USER|CONNECTOR`, and go on.
 */
import { keyedHash } from "../kernel/derive.ts";
import { openAlike, sealAlike, sealedAlikeOverhead } from "../kernel/seal-alike.ts";
import type { UserKey } from "../storage/records.ts";

/** Bytes of every handle: as many as WebAuthn §5.4.3 allows, so that its length says nothing either. */
const handleLength = 64;
const longestId = handleLength - sealedAlikeOverhead;
const purpose = "webauthn-user";

/** The same for a person each time, or a device would keep them twice. Of a very long id only a hash: no passkey then signs in. */
export function userHandle({ userId, connectorId }: UserKey, key: Uint8Array): Uint8Array<ArrayBuffer> {
  const free = longestId - Buffer.byteLength(userId);
  return new Uint8Array(
    free < 0 || userId.endsWith("\0")
      ? keyedHash(key, purpose, connectorId, userId)
      : sealAlike(key, [purpose, connectorId], userId + "\0".repeat(free)),
  );
}

/** Whom a handle is of, among the people of one connector. It proves nothing: the key that signs with it does. */
export function userOfHandle(handle: Uint8Array, connectorId: string, key: Uint8Array): string | undefined {
  const own = openAlike(key, [purpose, connectorId], handle);
  if (own !== undefined) return own.replace(/\0+$/, "");
  const text = Buffer.from(handle).toString("utf8");
  const end = `|${connectorId}`;
  return text.endsWith(end) && text.length > end.length ? text.slice(0, -end.length) : undefined;
}

/** Whether a handle is this person's, whoever made it. */
export const isHandleOf = (handle: Uint8Array, user: UserKey, key: Uint8Array): boolean =>
  userOfHandle(handle, user.connectorId, key) === user.userId || Buffer.compare(handle, userHandle(user, key)) === 0;
