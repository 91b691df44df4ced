/**
 * Authentication contexts that a login of ours can meet, weakest first. OIDC Core §2 `acr`. "1" is the first level
 * of ISO/IEC 29115: one method, at a connector of whose strength we know nothing.
 */
export const acrSupported: readonly string[] = ["1"];
