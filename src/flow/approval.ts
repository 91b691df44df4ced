import { PageError } from "../http/contract.ts";
import { followTrace, inSpan } from "../kernel/span.ts";
import { scopesAskedFor } from "../oauth/claims-request.ts";
import { OAuthError } from "../oauth/error.ts";
import type { AuthRequest } from "../storage/records.ts";
import { isSessionLive } from "../token/session-life.ts";
import { ClientRefusal, type FlowContext, type FlowDeps, type FlowOutcome } from "./contract.ts";
import { continueLogin } from "./finish-login.ts";
import { refuseBlocked } from "./refuse-blocked.ts";
import { rememberConsent } from "./remember-user.ts";
import { type FlowStep, isStepMac } from "./step-mac.ts";
import { toCompletedLogin, toFlowRequest } from "./stored-request.ts";

/**
 * The stored login that an address names, if its MAC fits one of `steps` and this browser.
 * @throws {PageError} It does not, or the login is gone or too old.
 */
export async function openStoredLogin(
  id: string,
  mac: string,
  steps: readonly FlowStep[],
  context: FlowContext,
  deps: FlowDeps,
): Promise<{ readonly record: AuthRequest; readonly step: FlowStep }> {
  if (mac === "") throw new PageError(401, "refusal.unauthorized");
  const record = id === "" ? undefined : await deps.storage.authRequests.get(id);
  if (record === undefined) throw new PageError(400, "refusal.session");
  context.speak(record.extra?.uiLocales ?? []);
  followTrace(record.extra?.traceparent);
  if (!record.loggedIn) throw new PageError(500, "refusal.loginUnfinished");
  const step = steps.find((candidate) => isStepMac(mac, record, candidate, context.browsers));
  if (step === undefined) {
    context.trail.note({
      check: "flow.browser_bound",
      outcome: "fail",
      because: "the address was not made for this step and browser",
    });
    throw new PageError(401, "refusal.unauthorized");
  }
  if (deps.clock.now() > record.expiry) throw new PageError(400, "refusal.expired");
  await refuseBlocked({ userId: record.claims.userId, connectorId: record.connectorId }, deps);
  return { record, step };
}

/** The person agreed. Deleting the record is the gate: of two clicks one goes on. */
export async function approve(record: AuthRequest, context: FlowContext, deps: FlowDeps): Promise<FlowOutcome> {
  await requireSession(record, deps);
  await takeRecord(record, deps);
  if (deps.sessions !== undefined) {
    const user = { userId: record.claims.userId, connectorId: record.connectorId };
    const scopes = scopesAskedFor(record.scopes, record.extra?.namedClaims);
    await rememberConsent(user, record.clientId, scopes, deps.storage);
  }
  context.trail.note({
    check: "consent.given",
    outcome: "pass",
    because: "the person agreed",
    spec: "OIDC Core §3.1.2.4",
    about: { client_id: record.clientId, user_id: record.claims.userId, connector_id: record.connectorId },
  });
  return inSpan("flow.approve", () =>
    continueLogin(toFlowRequest(record), toCompletedLogin(record), true, context, deps),
  );
}

/** The person refused, and the client hears it. RFC 6749 §4.1.2.1. */
export async function reject(record: AuthRequest, context: FlowContext, deps: FlowDeps): Promise<never> {
  await takeRecord(record, deps);
  context.trail.note({
    check: "consent.given",
    outcome: "fail",
    because: "the person refused",
    spec: "RFC 6749 §4.1.2.1",
    about: { client_id: record.clientId, user_id: record.claims.userId, connector_id: record.connectorId },
  });
  throw new ClientRefusal(new OAuthError("access_denied", "Approval rejected."), toFlowRequest(record));
}

/** Who logged out while the question stood there has taken the answer back. */
export async function requireSession({ extra }: AuthRequest, { sessions, storage, clock }: FlowDeps): Promise<void> {
  if (sessions === undefined || extra?.sessionId === undefined) return;
  const session = await storage.authSessions.get(extra.sessionId);
  if (session !== undefined && isSessionLive(session, clock.now())) return;
  throw new PageError(400, "refusal.sessionEnded");
}

export async function takeRecord(record: AuthRequest, deps: FlowDeps): Promise<void> {
  if (!(await deps.storage.authRequests.delete(record.id))) throw new PageError(400, "refusal.session");
}
