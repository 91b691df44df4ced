/**
 * The vocabulary of OAuth 2.0 and OpenID Connect: error codes, grants, scopes, response types, PKCE,
 * redirect URIs. Pure, and imports nothing of ours.
 */

/** One per registered code (RFC 6749 §4.1.2.1, §5.2; OIDC Core §3.1.2.6; RFC 6750 §3.1; RFC 8628 §3.5; RFC 8693 §2.2.2). */
export type OAuthErrorCode =
  | "invalid_request"
  | "invalid_client"
  | "invalid_grant"
  | "invalid_scope"
  | "invalid_target"
  | "invalid_token"
  | "insufficient_scope"
  | "unauthorized_client"
  | "unsupported_grant_type"
  | "unsupported_response_type"
  | "unsupported_token_type"
  | "access_denied"
  | "server_error"
  | "temporarily_unavailable"
  | "interaction_required"
  | "login_required"
  | "consent_required"
  | "account_selection_required"
  | "request_not_supported"
  | "request_uri_not_supported"
  | "registration_not_supported"
  | "unmet_authentication_requirements"
  | "authorization_pending"
  | "slow_down"
  | "expired_token";

const statusOf = (code: OAuthErrorCode): number => {
  if (code === "invalid_client" || code === "invalid_token") return 401;
  if (code === "insufficient_scope") return 403;
  if (code === "server_error") return 500;
  if (code === "temporarily_unavailable") return 503;
  return 400;
};

/** A refusal in the protocol's words. Thrown anywhere, written in one place (`http/`). RFC 6749 §5.2, §4.1.2.1. */
export class OAuthError extends Error {
  override readonly name = "OAuthError";
  /** Sent as `error`. */
  readonly code: OAuthErrorCode;
  /** Sent as `error_description`; empty leaves the member out. Safe for anyone: quotes no secret, no token, no stack. */
  readonly description: string;
  /** HTTP status where the answer is no redirect: 400; 401 for invalid_client; 500 for server_error. */
  readonly status: number;
  /** For the log alone: which check failed, on what. The underlying fault is `cause`. */
  readonly detail: string | undefined;

  constructor(
    code: OAuthErrorCode,
    description: string,
    more: { readonly detail?: string; readonly cause?: unknown; readonly status?: number } = {},
  ) {
    super(description === "" ? code : `${code}: ${description}`, { cause: more.cause });
    this.code = code;
    this.description = description;
    this.status = more.status ?? statusOf(code);
    this.detail = more.detail;
  }
}
