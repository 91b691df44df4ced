/**
 * A session's secret as the cookie holds it and as we store it. The id is public (`sid`), so only the secret proves
 * the browser. We store a keyed hash: who reads the database has no cookie. What Dex wrote is in clear; it is honoured
 * and rewritten when the session is next written.
 */
import { keyedHash } from "../kernel/derive.ts";
import { Secret } from "../kernel/secret.ts";
import { secretEqual } from "../kernel/secret-equal.ts";
import type { AuthSession } from "../storage/records.ts";

const prefix = "$h1$";

/** The stored form of `secret`. */
export const storedSecret = (key: Uint8Array, id: string, secret: string): Secret =>
  new Secret(prefix + keyedHash(key, "session", id, secret).toString("base64url"));

/** Whether `presented` is the session's secret. Constant time; an empty one proves nothing. */
export function isSessionSecret(key: Uint8Array, { id, secret }: AuthSession, presented: string): boolean {
  const stored = secret.reveal();
  if (presented === "" || stored === "") return false;
  // A cookie that holds the stored hash itself must not pass for Dex's clear form.
  return stored.startsWith(prefix)
    ? secretEqual(stored, storedSecret(key, id, presented).reveal())
    : secretEqual(stored, presented);
}

/** The session with its secret in our form, where Dex left it in clear. */
export function withHashedSecret(key: Uint8Array, session: AuthSession): AuthSession {
  const stored = session.secret.reveal();
  if (stored === "" || stored.startsWith(prefix)) return session;
  return { ...session, secret: storedSecret(key, session.id, stored) };
}
