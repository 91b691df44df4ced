import type { Trail } from "../kernel/ports.ts";
import { OAuthError } from "../oauth/error.ts";
import type { FlowPolicy, FlowRequest } from "./contract.ts";

/** How far a login has come. */
export interface Progress {
  /** A person has proved who they are, for this request. */
  readonly isLoggedIn: boolean;
  /** The person has just agreed to this very request. */
  readonly isApproved: boolean;
  /** `sub` of the person who is logged in. */
  readonly subject?: string;
}

export type Step =
  | { readonly go: "login" }
  | { readonly go: "consent" }
  | { readonly go: "issue" }
  | { readonly go: "refuse"; readonly error: OAuthError };

/** The whole login policy as one pure function: no storage, no HTTP. OIDC Core §3.1.2.3, §3.1.2.4, §3.1.2.6. */
export function nextStep(
  request: FlowRequest,
  progress: Progress,
  policy: Pick<FlowPolicy, "skipApprovalScreen">,
  trail: Trail,
): Step {
  const isSilent = request.prompt.includes("none");
  if (!progress.isLoggedIn) {
    if (isSilent) {
      trail.note({
        check: "login.needed",
        outcome: "fail",
        because: "prompt=none, and nobody is signed in",
        spec: "OIDC Core §3.1.2.6",
      });
      return { go: "refuse", error: new OAuthError("login_required", "User not authenticated") };
    }
    trail.note({
      check: "login.needed",
      outcome: "chose",
      because: "nobody has signed in for this request",
      spec: "OIDC Core §3.1.2.3",
    });
    return { go: "login" };
  }
  if (request.hintedSubject !== undefined && request.hintedSubject !== progress.subject) {
    trail.note({
      check: "login.hinted_user",
      outcome: "fail",
      because: "the client wants an answer about somebody else",
      spec: "OIDC Core §3.1.2.2",
    });
    return {
      go: "refuse",
      error: new OAuthError("login_required", "id_token_hint does not match authenticated user"),
    };
  }
  if (progress.isApproved) {
    trail.note({
      check: "consent.needed",
      outcome: "pass",
      because: "the person has just agreed",
      spec: "OIDC Core §3.1.2.4",
    });
    return { go: "issue" };
  }
  if (!request.forceConsent && policy.skipApprovalScreen) {
    trail.note({ check: "consent.needed", outcome: "skip", because: "oauth2.skipApprovalScreen is on" });
    return { go: "issue" };
  }
  if (isSilent) {
    trail.note({
      check: "consent.needed",
      outcome: "fail",
      because: "prompt=none, and consent must be asked",
      spec: "OIDC Core §3.1.2.6",
    });
    return { go: "refuse", error: new OAuthError("interaction_required", "User interaction required") };
  }
  const because = request.forceConsent
    ? "the client forces the question"
    : "the person has not agreed to this request yet";
  trail.note({ check: "consent.needed", outcome: "chose", because, spec: "OIDC Core §3.1.2.4" });
  return { go: "consent" };
}
