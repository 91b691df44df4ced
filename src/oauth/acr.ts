/** Authentication contexts that a login of ours can meet. OIDC Core §2 `acr`. */
export const acr = {
  /** The first level of ISO/IEC 29115: one method, at a connector of whose strength we know nothing. */
  single: "1",
  /** Several factors. OpenID Provider Authentication Policy Extension 1.0 §4. */
  multiFactor: "http://schemas.openid.net/pape/policies/2007/06/multi-factor",
  /** A key that signs for our pages only. OpenID Connect EAP ACR Values 1.0 §2. */
  phishingResistant: "phr",
} as const;
