/** Who is signed in, by cookie, in memory: a restart signs everybody out, which is fine for an example. */
import { randomBytes } from "node:crypto";
import type { Pending, Tokens } from "./oidc.ts";

export interface SignedIn {
  readonly tokens: Tokens;
  /** The ID token before the last refresh, to show what changed. */
  readonly previousIdToken?: string;
  readonly userinfo?: Readonly<Record<string, unknown>>;
}

export interface Session {
  readonly id: string;
  /** Every form carries it; a page of another origin cannot read it and so cannot forge a form. */
  readonly formToken: string;
  /** Logins under way by state, one per tab. */
  readonly pending: ReadonlyMap<string, Pending>;
  readonly signedIn?: SignedIn;
  /** Shown once, on the next page. */
  readonly problem?: { readonly title: string; readonly detail: string };
}

const limit = 1000;
const pendingLimit = 10;
const freshToken = (): string => randomBytes(24).toString("base64url");

export const newSession = (): Session => ({ id: freshToken(), formToken: freshToken(), pending: new Map() });

/** The same session under a new id. Done at login, so that an id planted before it is worth nothing after. */
export const renamed = (session: Session): Session => ({ ...session, id: freshToken(), formToken: freshToken() });

export function withPending(session: Session, pending: Pending): Session {
  const kept = [...session.pending].slice(1 - pendingLimit);
  return { ...session, pending: new Map([...kept, [pending.state, pending]]) };
}

export class Sessions {
  readonly #sessions = new Map<string, Session>();

  get(id: string | undefined): Session | undefined {
    return id === undefined ? undefined : this.#sessions.get(id);
  }

  /** Keeps `session`; the oldest makes room, so a flood of visitors costs a fixed amount of memory. */
  put(session: Session): void {
    this.#sessions.delete(session.id);
    this.#sessions.set(session.id, session);
    const oldest = this.#sessions.keys().next().value;
    if (this.#sessions.size > limit && oldest !== undefined) this.#sessions.delete(oldest);
  }

  drop(id: string): void {
    this.#sessions.delete(id);
  }
}
