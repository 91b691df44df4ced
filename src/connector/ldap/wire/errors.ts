/** The server answered, and it was no. RFC 4511 appendix A names the codes. */
export class LdapResultError extends Error {
  override readonly name = "LdapResultError";
  readonly code: number;

  constructor(code: number, diagnostic: string) {
    super(`LDAP Result Code ${code} ${codeNames[code] ?? "unknown"}${diagnostic === "" ? "" : `: ${diagnostic}`}`);
    this.code = code;
  }
}

/** The server could not be asked: no connection, no TLS, no answer in time, or an answer that is no LDAP. */
export class LdapConnectionError extends Error {
  override readonly name = "LdapConnectionError";
}

/** It may hang: asking it again at once would cost as long. */
export class LdapTimeoutError extends LdapConnectionError {}

export const codes = {
  success: 0,
  sizeLimitExceeded: 4,
  constraintViolation: 19,
  noSuchObject: 32,
  invalidCredentials: 49,
  busy: 51,
  unavailable: 52,
} as const;

const codeNames: Readonly<Record<number, string>> = {
  1: "operationsError",
  2: "protocolError",
  3: "timeLimitExceeded",
  4: "sizeLimitExceeded",
  7: "authMethodNotSupported",
  8: "strongerAuthRequired",
  10: "referral",
  11: "adminLimitExceeded",
  12: "unavailableCriticalExtension",
  13: "confidentialityRequired",
  16: "noSuchAttribute",
  18: "inappropriateMatching",
  19: "constraintViolation",
  21: "invalidAttributeSyntax",
  32: "noSuchObject",
  34: "invalidDNSyntax",
  48: "inappropriateAuthentication",
  49: "invalidCredentials",
  50: "insufficientAccessRights",
  51: "busy",
  52: "unavailable",
  53: "unwillingToPerform",
  54: "loopDetect",
  80: "other",
};
