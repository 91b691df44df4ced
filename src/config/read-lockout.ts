import { type Millis, millis } from "../kernel/ports.ts";
import { type Reading, readDuration } from "./reading.ts";

/** What guessing costs. */
export interface LockoutConfig {
  readonly disabled: boolean;
  readonly attempts: number;
  readonly firstLock: Millis;
  readonly longestLock: Millis;
  readonly attemptsPerAddress: number;
}

export function readLockout({ file, findings }: Reading): LockoutConfig {
  const { disabled, attempts, firstLock, longestLock, attemptsPerAddress } = file.lockout;
  const read = (key: string, text: string | undefined, fallback: number): Millis => {
    const value = readDuration(findings, `lockout.${key}`, text, `invalid lockout.${key}: `) ?? millis(fallback);
    if (value <= 0) findings.refuse("setup", `lockout.${key}`, `lockout.${key} must be positive`);
    return value;
  };
  return {
    disabled,
    attempts: attempts || 5,
    firstLock: read("firstLock", firstLock, 30_000),
    longestLock: read("longestLock", longestLock, 15 * 60_000),
    attemptsPerAddress: attemptsPerAddress || 100,
  };
}
