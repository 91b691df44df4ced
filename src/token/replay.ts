import { raceWindow } from "./refresh-rotation.ts";

/** What is known when a spent credential (code, rotated refresh token) is presented again. */
export interface SecondPresentation {
  /** When the credential was spent and when it came again, in milliseconds since the epoch. */
  readonly spentAt: number;
  readonly receivedAt: number;
  /** It came over the very connection that had carried the answer: its sender had the answer. */
  readonly isSameConnection: boolean;
  /** What was issued for it has been used since. */
  readonly isAnswerUsed: boolean;
}

/**
 * Whether a second presentation is a replay, which ends all that was issued (RFC 6749 §4.1.2, RFC 9700
 * §4.14.2), or the holder's own race, which is only refused. It is a race while nobody can have had the
 * answer before asking again: else fifty parallel requests of one client would end the login of that client.
 */
export function isReplay(second: SecondPresentation): boolean {
  return second.isSameConnection || second.isAnswerUsed || second.receivedAt - second.spentAt > raceWindow;
}

/** Remembers which connection carried the answer for a credential, for as long as the connection lives. */
export class AnsweredConnections {
  readonly #answered = new WeakMap<object, string[]>();

  remember(connection: object, credentialId: string): void {
    const ids = this.#answered.get(connection);
    if (ids === undefined) this.#answered.set(connection, [credentialId]);
    else {
      ids.push(credentialId);
      // A proxy's connection lives long; a replay over it comes soon or is caught by time.
      if (ids.length > 16) ids.shift();
    }
  }

  has(connection: object, credentialId: string): boolean {
    return this.#answered.get(connection)?.includes(credentialId) === true;
  }
}
