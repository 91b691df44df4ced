/**
 * What may be tried only so often from one network and is no account's secret: {@link limitsOf} lists it all. Guesses at
 * passwords and second factors, which an account counts as well, are in `attempts.ts`.
 */
import { networkOf } from "../kernel/addresses.ts";
import { type AttemptLimiter, createAttemptLimiter, type Limit } from "../kernel/attempt-limiter.ts";
import { TooManyAttemptsError } from "../kernel/errors.ts";
import { type Clock, millis, type Trail } from "../kernel/ports.ts";

const minute = 60_000;

/** `attemptsPerAddress` and `signupsPerHour` are the operator's choices. Each wait doubles when the next one follows at once. */
const limitsOf = ({ attemptsPerAddress, signupsPerHour }: LimitChoices) =>
  ({
    /** Wrong passwords and codes from one network, whatever the account. */
    login: { most: attemptsPerAddress, window: millis(5 * minute) },
    /** Wrong secrets of one client from one network: else anybody could keep a client of others out. */
    client: { most: 20, window: millis(minute) },
    /** Wrong user codes. RFC 8628 §5.1. */
    user_code: { most: 20, window: millis(5 * minute) },
    /** Mailed links that are none. */
    mail_link: { most: 20, window: millis(5 * minute) },
    /** Accounts asked for, also those that were made: each costs a password's hashing. */
    signup: { most: signupsPerHour, window: millis(60 * minute) },
    /** Mails asked for, by who asks. */
    mail: { most: 20, window: millis(60 * minute) },
    /** Mails asked for, by whom they go to: a stranger could flood a mailbox. */
    mailbox: { most: 3, window: millis(15 * minute) },
  }) satisfies Readonly<Record<string, Limit>>;

export type LimitKind = keyof ReturnType<typeof limitsOf>;

/** Those that are guesses, which `lockout.disabled` leaves unlimited. */
const guesses: readonly LimitKind[] = ["login", "client", "user_code", "mail_link"];

export interface LimitChoices {
  readonly attemptsPerAddress: number;
  readonly signupsPerHour: number;
  readonly guessesAreUnlimited: boolean;
}

/** Where a try comes from. */
export interface Sender {
  readonly address: string;
  /** What is tried, where that is counted apart: a client, a mailbox. */
  readonly what?: string;
  readonly trail: Trail;
}

/** A try that was let through and is counted. */
export interface CountedTry {
  /** It was right. */
  takeBack(): void;
}

export interface Limits {
  /** @throws {TooManyAttemptsError} Not now. */
  begin(kind: LimitKind, sender: Sender): CountedTry;
  /** Counts a try where nobody is told that it comes to nothing. */
  isAllowed(kind: LimitKind, sender: Sender): boolean;
  /** Of `login`, which {@link Attempts} asks. */
  readonly logins: AttemptLimiter;
}

/** The same limiter for the same words: a changed configuration forgives nobody. */
export type OpenLimiter = (kind: LimitKind, limit: Limit) => AttemptLimiter;

export function keepLimiters(clock: Clock): OpenLimiter {
  const limiters = new Map<string, AttemptLimiter>();
  return (kind, limit) => {
    const key = `${kind} ${limit.most} ${limit.window}`;
    const limiter = limiters.get(key) ?? createAttemptLimiter(limit, clock);
    limiters.set(key, limiter);
    return limiter;
  };
}

export function createLimits(choices: LimitChoices, open: OpenLimiter): Limits {
  const limits = limitsOf(choices);
  const limiterOf = (kind: LimitKind): AttemptLimiter => {
    const isUnlimited = choices.guessesAreUnlimited && guesses.includes(kind);
    return open(kind, isUnlimited ? { ...limits[kind], most: Number.POSITIVE_INFINITY } : limits[kind]);
  };
  const limiters: Readonly<Record<LimitKind, AttemptLimiter>> = {
    login: limiterOf("login"),
    client: limiterOf("client"),
    user_code: limiterOf("user_code"),
    mail_link: limiterOf("mail_link"),
    signup: limiterOf("signup"),
    mail: limiterOf("mail"),
    mailbox: limiterOf("mailbox"),
  };
  /** Milliseconds to wait; 0: it is counted. */
  const waitOf = (kind: LimitKind, sender: Sender): number => {
    const wait = limiters[kind].begin(keyOf(kind, sender));
    if (wait > 0) {
      const because = `too many tries: not before ${Math.ceil(wait / 1000)} seconds`;
      const by = kind === "mailbox" ? "account" : "address";
      sender.trail.note({ check: "attempts.allowed", outcome: "fail", because, about: { kind, by } });
    }
    return wait;
  };
  return {
    logins: limiters.login,
    begin(kind, sender) {
      const wait = waitOf(kind, sender);
      if (wait > 0) throw new TooManyAttemptsError(wait);
      return { takeBack: () => limiters[kind].takeBack(keyOf(kind, sender)) };
    },
    isAllowed: (kind, sender) => waitOf(kind, sender) === 0,
  };
}

const keyOf = (kind: LimitKind, { address, what = "" }: Sender): string =>
  kind === "mailbox" ? what : `${networkOf(address)} ${what}`;
