import type { Trail } from "../kernel/ports.ts";
import { scopesAskedFor } from "../oauth/claims-request.ts";
import { OAuthError } from "../oauth/error.ts";
import { scopes as scopeNames } from "../oauth/scope.ts";
import { meetsAcr, type Strength } from "./acr.ts";
import type { FlowPolicy, FlowRequest } from "./contract.ts";
import { freshness, type Reach } from "./session.ts";

/** How far a login has come. */
export interface Progress {
  /** A person has proved who they are, for this request. */
  readonly isLoggedIn: boolean;
  /** The person has just agreed to this very request. */
  readonly isApproved: boolean;
  /** `sub` of the person who is logged in. */
  readonly subject?: string;
  /** How strong the login is. */
  readonly strength?: Strength;
  /** Second factors that it still has to prove, in order. */
  readonly missingFactors?: readonly string[];
  /** The browser's live session at the connector of this request, while nobody is logged in for it. */
  readonly session?: SessionFacts;
  /** Scopes that the person agreed to before, for this client; absent where nothing is remembered. */
  readonly consented?: readonly string[];
}

/** What of a session decides whether it can stand for a login. */
export interface SessionFacts {
  /** `sub` of its person. */
  readonly subject: string;
  /** Milliseconds since the epoch: how long ago they proved who they are, and now. */
  readonly authTime: number;
  readonly now: number;
  readonly reach: Reach;
  /** How strong its login was, with what further factors can bring. */
  readonly strength: Strength;
  /** The upstream was not asked for lasting access. */
  readonly isOnlineOnly: boolean;
  /** Its person would go on to set up a first factor. */
  readonly leadsToEnrolment: boolean;
}

export type Step =
  | { readonly go: "login" }
  /** The session stands for a login. */
  | { readonly go: "resume" }
  | { readonly go: "mfa"; readonly factor: string }
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
  if (!progress.isLoggedIn) return stepToLogin(request, progress.session, trail);
  if (request.hintedSubject !== undefined && request.hintedSubject !== progress.subject) {
    trail.note({
      check: "login.hinted_user",
      outcome: "fail",
      because: "the client wants an answer about somebody else",
      spec: "OIDC Core §3.1.2.2",
    });
    return { go: "refuse", error: loginRequired(hintedAnother) };
  }
  const [factor] = progress.missingFactors ?? [];
  if (factor !== undefined) return stepToFactor(factor, request, trail);
  if (!meetsAcr(request, progress.strength ?? {})) {
    const because = "the login met none of the acr values that the client insists on";
    trail.note({ check: "login.strength", outcome: "fail", because, spec: "OIDC Core §5.5.1.1" });
    const description = "None of the requested acr values can be met.";
    return { go: "refuse", error: new OAuthError("unmet_authentication_requirements", description) };
  }
  return stepToIssue(request, progress, policy, trail);
}

const hintedAnother = "id_token_hint does not match authenticated user";
const loginRequired = (description: string): OAuthError => new OAuthError("login_required", description);
const isSilent = ({ prompt }: FlowRequest): boolean => prompt.includes("none");

function stepToLogin(request: FlowRequest, session: SessionFacts | undefined, trail: Trail): Step {
  const objection = objectionTo(session, request);
  if (objection === undefined) {
    const because = "this browser has a session that the request may reuse";
    trail.note({ check: "session.reusable", outcome: "pass", because, spec: "OIDC Core §3.1.2.3" });
    return { go: "resume" };
  }
  trail.note({ check: "session.reusable", outcome: "skip", ...objection });
  if (!isSilent(request)) {
    const because = "nobody has signed in for this request";
    trail.note({ check: "login.needed", outcome: "chose", because, spec: "OIDC Core §3.1.2.3" });
    return { go: "login" };
  }
  const because = "prompt=none, and the person would have to sign in";
  trail.note({ check: "login.needed", outcome: "fail", because, spec: "OIDC Core §3.1.2.6" });
  // compat(dex): these words, also where there is no session to match.
  const isHintAtFault = request.hintedSubject !== undefined && request.hintedSubject !== session?.subject;
  return { go: "refuse", error: loginRequired(isHintAtFault ? hintedAnother : "User not authenticated") };
}

interface Objection {
  readonly because: string;
  readonly spec?: string;
}

/** Why the session cannot stand for a login; undefined: it can. */
function objectionTo(session: SessionFacts | undefined, request: FlowRequest): Objection | undefined {
  const { prompt, hintedSubject, maxAge, scopes } = request;
  if (session === undefined) return { because: "there is no live session here" };
  if (prompt.includes("login")) return { because: "the client wants a fresh login", spec: "OIDC Core §3.1.2.1" };
  if (prompt.includes("select_account")) {
    return { because: "the client wants the person to choose an account", spec: "OIDC Core §3.1.2.1" };
  }
  if (session.reach === "none") return { because: "none of the session's clients shares it with this one" };
  if (hintedSubject !== undefined && hintedSubject !== session.subject) {
    return { because: "it is another person's than the hint's", spec: "OIDC Core §3.1.2.2" };
  }
  if (!meetsAcr(request, session.strength)) {
    return { because: "its login was not as strong as the client insists on", spec: "OIDC Core §5.5.1.1" };
  }
  if (session.isOnlineOnly && scopes.includes(scopeNames.offlineAccess) && !isSilent(request)) {
    return { because: "the upstream was not asked for lasting access", spec: "OIDC Core §11" };
  }
  // Somebody who finds a browser open must not make the account theirs.
  if (session.leadsToEnrolment && session.now - session.authTime > freshness && !isSilent(request)) {
    return { because: "a first factor is to be set up, and nobody has signed in a moment ago" };
  }
  // Zero asks for a login whatever the clock says. OIDC Core §3.1.2.1.
  const isTooOld = maxAge !== undefined && (maxAge === 0 || session.now - session.authTime > maxAge * 1000);
  return isTooOld ? { because: "the login is older than max_age", spec: "OIDC Core §3.1.2.1" } : undefined;
}

function stepToFactor(factor: string, request: FlowRequest, trail: Trail): Step {
  const spec = "OIDC Core §3.1.2.3";
  if (!isSilent(request)) {
    trail.note({ check: "factor.needed", outcome: "chose", because: `${factor} is still to be proved`, spec });
    return { go: "mfa", factor };
  }
  const because = `prompt=none, and the person would have to prove ${factor}`;
  trail.note({ check: "factor.needed", outcome: "fail", because, spec: "OIDC Core §3.1.2.6" });
  return { go: "refuse", error: new OAuthError("interaction_required", "A second factor is required.") };
}

function stepToIssue(
  request: FlowRequest,
  { isApproved, consented }: Progress,
  policy: Pick<FlowPolicy, "skipApprovalScreen">,
  trail: Trail,
): Step {
  const spec = "OIDC Core §3.1.2.4";
  if (isApproved) {
    trail.note({ check: "consent.needed", outcome: "pass", because: "the person has just agreed", spec });
    return { go: "issue" };
  }
  if (!request.forceConsent && policy.skipApprovalScreen) {
    trail.note({ check: "consent.needed", outcome: "skip", because: "oauth2.skipApprovalScreen is on" });
    return { go: "issue" };
  }
  if (!request.forceConsent && consented !== undefined && covers(consented, request)) {
    trail.note({ check: "consent.needed", outcome: "pass", because: "the person agreed to all of it before", spec });
    return { go: "issue" };
  }
  if (isSilent(request)) {
    const because = "prompt=none, and consent must be asked";
    trail.note({ check: "consent.needed", outcome: "fail", because, spec: "OIDC Core §3.1.2.6" });
    return { go: "refuse", error: new OAuthError("consent_required", "User consent required") };
  }
  const because = request.forceConsent
    ? "the client forces the question"
    : "the person has not agreed to this request yet";
  trail.note({ check: "consent.needed", outcome: "chose", because, spec });
  return { go: "consent" };
}

/** compat(dex): a request for `openid` alone tells nothing of the person and needs no agreement. */
const covers = (consented: readonly string[], { scopes, namedClaims }: FlowRequest): boolean =>
  scopesAskedFor(scopes, namedClaims).every((scope) => scope === scopeNames.openid || consented.includes(scope));
