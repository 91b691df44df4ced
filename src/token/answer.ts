/** A token endpoint's success, in the order it is written. RFC 6749 §5.1. Times are seconds. */
export interface TokenAnswer {
  readonly access_token: string;
  readonly issued_token_type?: string;
  readonly token_type: string;
  readonly expires_in: number;
  readonly refresh_token?: string;
  readonly id_token?: string;
  /** Only where it differs from what was asked. RFC 6749 §5.1. */
  readonly scope?: string;
}
