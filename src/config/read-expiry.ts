import { type Millis, millis } from "../kernel/ports.ts";
import { invalidValue, type Reading, readDuration } from "./reading.ts";

export interface ExpiryConfig {
  readonly idTokens: Millis;
  readonly authRequests: Millis;
  readonly deviceRequests: Millis;
  readonly refreshTokens: {
    readonly disableRotation: boolean;
    /** Zero: a rotated token is dead at once. */
    readonly reuseInterval: Millis;
    /** Zero: for ever. */
    readonly absoluteLifetime: Millis;
    /** Zero: for ever. */
    readonly validIfNotUsedFor: Millis;
  };
}

const hour = 3_600_000;
const zero = millis(0);

export function readExpiry({ file, findings }: Reading): ExpiryConfig {
  const { expiry } = file;
  /** compat(dex): zero is "the default" for these three, "never" for the refresh settings. */
  const span = (key: "idTokens" | "authRequests" | "deviceRequests", what: string, fallback: number): Millis => {
    const value = readDuration(findings, `expiry.${key}`, expiry[key], invalidValue(expiry[key], what)) ?? zero;
    if (value < 0) findings.warn(`expiry.${key}`, "a negative span: everything is expired when it is made");
    return value === 0 ? millis(fallback) : value;
  };
  const { disableRotation, ...spans } = expiry.refreshTokens;
  const refresh = (key: keyof typeof spans, what: string): Millis => {
    const prefix = `invalid refresh token expiration policy config: ${invalidValue(spans[key], what)}`;
    return readDuration(findings, `expiry.refreshTokens.${key}`, spans[key], prefix) ?? zero;
  };
  return {
    idTokens: span("idTokens", "id token expiry", 24 * hour),
    authRequests: span("authRequests", "auth request expiry", 24 * hour),
    deviceRequests: span("deviceRequests", "device request expiry", hour / 12),
    refreshTokens: {
      disableRotation,
      validIfNotUsedFor: refresh("validIfNotUsedFor", "refresh token valid if not used for"),
      absoluteLifetime: refresh("absoluteLifetime", "refresh tokens absolute lifetime"),
      reuseInterval: refresh("reuseInterval", "refresh tokens reuse interval"),
    },
  };
}
