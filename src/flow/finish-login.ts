import type { Identity, OpenConnector } from "../connector/contract.ts";
import { PageError } from "../http/contract.ts";
import { claimsOf } from "../token/identity-claims.ts";
import { encodeSubject } from "../token/subject.ts";
import { ClientRefusal, type FlowContext, type FlowDeps, type FlowOutcome, type FlowRequest } from "./contract.ts";
import { issueAnswer } from "./issue-answer.ts";
import { nextStep } from "./next-step.ts";
import { stepMac } from "./step-mac.ts";
import { type CompletedLogin, toAuthRequest } from "./stored-request.ts";

/** A connector has said who the person is: go on to consent or to the answer. */
export async function finishLogin(
  request: FlowRequest,
  { info }: Pick<OpenConnector, "info">,
  identity: Identity,
  context: FlowContext,
  deps: FlowDeps,
): Promise<FlowOutcome> {
  // An upstream that names nobody would make everybody the same subject.
  if (identity.userId === "") throw new PageError(500, "Login error.");
  const login: CompletedLogin = {
    connectorId: info.id,
    claims: claimsOf(identity),
    ...(identity.connectorData === undefined ? {} : { connectorData: identity.connectorData }),
    authTime: deps.clock.now(),
  };
  context.logger.info("login successful", {
    connector_id: info.id,
    user_id: identity.userId,
    username: identity.username,
    preferred_username: login.claims.preferredUsername,
    email: login.claims.email,
    groups: identity.groups,
  });
  context.trail.note({
    check: "connector.login",
    outcome: "pass",
    because: `connector ${info.id} vouches for the person`,
    spec: "OIDC Core §3.1.2.3",
  });
  return continueLogin(request, login, false, context, deps);
}

/** Takes the next step of a completed login. */
export async function continueLogin(
  request: FlowRequest,
  login: CompletedLogin,
  isApproved: boolean,
  context: FlowContext,
  deps: FlowDeps,
): Promise<FlowOutcome> {
  const step = nextStep(
    request,
    { isLoggedIn: true, isApproved, subject: subjectOf(login) },
    deps.policy,
    context.trail,
  );
  switch (step.go) {
    case "issue":
      return issueAnswer(request, login, context, deps);
    case "refuse":
      throw new ClientRefusal(step.error, request);
    case "consent":
      return askConsent(request, login, context, deps);
    case "login":
      throw new Error("a completed login was sent back to its beginning");
    default:
      return step satisfies never;
  }
}

const subjectOf = ({ claims, connectorId }: CompletedLogin): string =>
  encodeSubject({ userId: claims.userId, connectorId });

async function askConsent(
  request: FlowRequest,
  login: CompletedLogin,
  context: FlowContext,
  deps: FlowDeps,
): Promise<FlowOutcome> {
  const record = toAuthRequest(request, login, deps.random);
  await deps.storage.authRequests.create(record);
  const query = new URLSearchParams({ hmac: stepMac(record, "step:approval", context.browsers), req: record.id });
  return { go: "redirect", to: `${deps.policy.issuerPath}/approval?${query}`, status: 303 };
}
