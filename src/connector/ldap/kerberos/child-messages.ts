export interface ChildOptions {
  readonly keytab: string;
  /** `HTTP@dex.example.com`; empty: any key of the keytab. */
  readonly service: string;
  /** Seconds; 0: the library's own. */
  readonly clockSkew: number;
}

export interface ChildQuestion {
  readonly id: number;
  /** Base64. */
  readonly token: string;
}

export type ChildAnswer =
  | { readonly kind: "ready" }
  | { readonly kind: "useless"; readonly reason: string }
  | { readonly kind: "accepted"; readonly id: number; readonly principal: string }
  | { readonly kind: "refused"; readonly id: number; readonly reason: string };
