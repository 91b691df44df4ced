/** Names of `grant_type` (RFC 6749 §4, RFC 8628 §3.4, RFC 8693 §2.1) and of the flows that only `/auth` serves. */
export const grantTypes = {
  authorizationCode: "authorization_code",
  implicit: "implicit",
  refreshToken: "refresh_token",
  password: "password",
  clientCredentials: "client_credentials",
  deviceCode: "urn:ietf:params:oauth:grant-type:device_code",
  tokenExchange: "urn:ietf:params:oauth:grant-type:token-exchange",
} as const;

export type GrantType = (typeof grantTypes)[keyof typeof grantTypes];

/** The grants that a connector can be limited to: a client's own credentials involve none. */
export const connectorGrants: readonly string[] = Object.values(grantTypes).filter(
  (grant) => grant !== grantTypes.clientCredentials,
);
