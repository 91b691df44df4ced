/**
 * What may be tried only so often from one network and is no account's secret: {@link limitsOf} lists it all. Guesses at
 * passwords and second factors, which an account counts as well, are in `attempts.ts`.
 */
import { networkOf } from "../kernel/addresses.ts";
import {
  type AttemptLimiter,
  type CountedElsewhere,
  createAttemptLimiter,
  keptKey,
  type Limit,
  type OtherCounters,
} from "../kernel/attempt-limiter.ts";
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
    /** Device codes asked for by a client that proves nothing: each is kept for minutes. */
    device: { most: 100, window: millis(minute) },
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

export function keepLimiters(clock: Clock, others?: OtherCounters): OpenLimiter {
  const limiters = new Map<string, AttemptLimiter>();
  const own = (kind: string, limit: Limit): AttemptLimiter => {
    const key = `${kind} ${limit.most} ${limit.window}`;
    const limiter = limiters.get(key) ?? createAttemptLimiter(limit, clock);
    limiters.set(key, limiter);
    return limiter;
  };
  if (others === undefined) return own;
  others.hear((counted) => {
    for (const { kind, limit, key, count } of counted) {
      const limiter = own(kind, limit);
      for (let n = 0; n < count; n++) limiter.begin(key);
      for (let n = 0; n > count; n--) limiter.takeBack(key);
    }
  });
  const tell = tellerTo(others);
  return (kind, limit) => {
    const limiter = own(kind, limit);
    if (limit.most === Number.POSITIVE_INFINITY) return limiter;
    return {
      begin(text) {
        const key = keptKey(text);
        const wait = limiter.begin(key);
        if (wait === 0) tell({ kind, limit, key, count: 1 });
        return wait;
      },
      takeBack(text) {
        const key = keptKey(text);
        limiter.takeBack(key);
        tell({ kind, limit, key, count: -1 });
      },
    };
  };
}

/** Once a turn, and only what is left of it: most tries are right, and taken back in the turn in which they were counted. */
function tellerTo(others: OtherCounters): (counted: CountedElsewhere) => void {
  let turn = new Map<string, CountedElsewhere>();
  return (counted) => {
    const name = `${counted.kind} ${counted.key}`;
    if (turn.size === 0) {
      setImmediate(() => {
        const left = [...turn.values()].filter(({ count }) => count !== 0);
        turn = new Map();
        if (left.length > 0) others.tell(left);
      });
    }
    turn.set(name, { ...counted, count: counted.count + (turn.get(name)?.count ?? 0) });
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
    device: limiterOf("device"),
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
