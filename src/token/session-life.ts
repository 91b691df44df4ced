import type { AuthSession, Client } from "../storage/records.ts";

/** Whether a session still stands. compat(dex): it ends strictly after either of its two times. */
export const isSessionLive = ({ absoluteExpiry, idleExpiry }: AuthSession, now: number): boolean =>
  now <= absoluteExpiry && now <= idleExpiry;

/** Whether what a client was given ends with the session it came from: `refreshTokenLifetime: session`. */
export const endsWithSession = ({ refreshTokenLifetime }: Client): boolean => refreshTokenLifetime === "session";
