/** Identifiers of token types. RFC 8693 §3. */
export const tokenTypes = {
  accessToken: "urn:ietf:params:oauth:token-type:access_token",
  idToken: "urn:ietf:params:oauth:token-type:id_token",
} as const;

export type TokenType = (typeof tokenTypes)[keyof typeof tokenTypes];

export const isTokenType = (text: string): text is TokenType =>
  text === tokenTypes.accessToken || text === tokenTypes.idToken;
