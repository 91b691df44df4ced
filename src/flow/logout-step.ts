import type { Trail } from "../kernel/ports.ts";
import { type RefusalKey, refusalsEn } from "../page/messages/refusals-en.ts";
import type { AuthSession, Client } from "../storage/records.ts";
import { encodeSubject } from "../token/subject.ts";

/** What an ID token that was sent along proves: an application of this person, and of this session if it names one. */
export interface LogoutHint {
  readonly subject: string;
  readonly sessionId: string | undefined;
  /** Whose token it is. Empty: of several, and it does not say of which. */
  readonly clientId: string;
  readonly audience: readonly string[];
}

/** A logout as it was asked for. Empty members were not sent. OIDC RP-Initiated Logout §2. */
export interface LogoutRequest {
  readonly hint?: LogoutHint;
  readonly clientId: string;
  readonly postLogoutRedirectUri: string;
  readonly state: string;
}

/** Where the person goes afterwards: proved to be the client's, or nowhere. */
export type LogoutTarget = Omit<LogoutRequest, "hint">;

export interface LogoutFacts {
  /** Of this browser, and live. */
  readonly session: AuthSession | undefined;
  /** The one that asks, by the hint or by its own word. */
  readonly client: Client | undefined;
  readonly mayEnd: boolean;
  /** The person has just said yes to this very logout. */
  readonly isConfirmed: boolean;
}

export type LogoutStep =
  | { readonly go: "refuse"; readonly refusal: RefusalKey }
  | { readonly go: "ask"; readonly session: AuthSession; readonly next: LogoutTarget }
  | { readonly go: "end"; readonly session: AuthSession; readonly next: LogoutTarget }
  | { readonly go: "nothing"; readonly next: LogoutTarget };

/** What a logout request leads to: pure. */
export function logoutStep(request: LogoutRequest, facts: LogoutFacts, trail: Trail): LogoutStep {
  const objection = objectionTo(request, facts);
  if (objection !== undefined) {
    trail.note({
      check: "logout.valid",
      outcome: "fail",
      because: refusalsEn[objection],
      spec: "OIDC RP-Initiated Logout §2",
    });
    return { go: "refuse", refusal: objection };
  }
  const { session, client } = facts;
  const next: LogoutTarget = {
    clientId: client?.id ?? "",
    // Without a client there is nobody whose address it could be; the person is asked, and stays here.
    postLogoutRedirectUri: client === undefined ? "" : request.postLogoutRedirectUri,
    state: request.state,
  };
  if (session === undefined) {
    trail.note({ check: "logout.session", outcome: "skip", because: "there is no live session here" });
    return { go: "nothing", next };
  }
  const isProved = request.hint !== undefined && isOf(request.hint, session);
  if (facts.mayEnd && (isProved || facts.isConfirmed)) {
    const because = isProved ? "an application of this session asks" : "the person has said yes";
    trail.note({ check: "logout.proved", outcome: "pass", because, spec: "OIDC RP-Initiated Logout §2" });
    return { go: "end", session, next };
  }
  const because = "nothing proves that an application of this session asks";
  trail.note({ check: "logout.proved", outcome: "chose", because, spec: "OIDC RP-Initiated Logout §2" });
  return { go: "ask", session, next };
}

/** compat(dex): a hint without `sid` speaks of the person alone. */
const isOf = ({ subject, sessionId }: LogoutHint, { id, userId, connectorId }: AuthSession): boolean =>
  subject === encodeSubject({ userId, connectorId }) && (sessionId === undefined || sessionId === id);

function objectionTo(request: LogoutRequest, { client, session, isConfirmed }: LogoutFacts): RefusalKey | undefined {
  const { hint, clientId, postLogoutRedirectUri: uri } = request;
  if (hint !== undefined && clientId !== "" && !hint.audience.includes(clientId)) {
    return "refusal.logoutClientMismatch";
  }
  const isNamed = clientId !== "" || (hint !== undefined && hint.clientId !== "");
  if (isNamed && client === undefined) return "refusal.logoutClient";
  if (uri === "") return undefined;
  if (client === undefined) {
    // Somebody who is signed in is asked, and then stays.
    return session !== undefined && !isConfirmed ? undefined : "refusal.logoutReturnUnproved";
  }
  return client.postLogoutRedirectUris.includes(uri) ? undefined : "refusal.logoutReturn";
}
