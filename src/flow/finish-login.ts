import type { Identity, OpenConnector } from "../connector/contract.ts";
import { PageError } from "../http/contract.ts";
import { currentSpan, inSpan } from "../kernel/span.ts";
import { scopes as scopeNames } from "../oauth/scope.ts";
import { isFor } from "../token/factor-chain.ts";
import { claimsOf } from "../token/identity-claims.ts";
import { encodeSubject } from "../token/subject.ts";
import { ClientRefusal, type FlowContext, type FlowDeps, type FlowOutcome, type FlowRequest } from "./contract.ts";
import type { FactorProof } from "./factor-contract.ts";
import { factorUrl } from "./factor-url.ts";
import { flowFacts } from "./flow-facts.ts";
import { issueAnswer } from "./issue-answer.ts";
import { beginSession } from "./keep-session.ts";
import { missingFactors } from "./missing-factors.ts";
import { nextStep } from "./next-step.ts";
import { refuseBlocked } from "./refuse-blocked.ts";
import { rememberUser } from "./remember-user.ts";
import { stepMac } from "./step-mac.ts";
import { type CompletedLogin, toAuthRequest } from "./stored-request.ts";
import { isStillRegistered } from "./validate-request.ts";
import { withProof } from "./with-proof.ts";

/** How a person came in, where the connector's own word does not say it all. */
export interface Arrival {
  /** What they ticked, where they were asked. */
  readonly isRemembered?: boolean;
  /** The passkey that they used in place of a password. */
  readonly passkey?: FactorProof;
}

/** A connector has said who the person is: begin their session, go on to consent or to the answer. */
export async function finishLogin(
  request: FlowRequest,
  open: OpenConnector,
  identity: Identity,
  context: FlowContext,
  deps: FlowDeps,
  { isRemembered = deps.sessions?.rememberMeByDefault ?? false, passkey }: Arrival = {},
): Promise<FlowOutcome> {
  // An upstream that names nobody would make everybody the same subject.
  if (identity.userId === "") throw new PageError(500, "refusal.login");
  const proved = provedLogin(open, identity, passkey, deps);
  noteLogin(open, proved, context);
  const user = { userId: identity.userId, connectorId: open.info.id };
  await refuseBlocked(user, deps);
  const manner = {
    clientId: request.clientId,
    isRemembered,
    isOnlineOnly: needsLastingAccess(open) && !request.scopes.includes(scopeNames.offlineAccess),
    upstreamSessionId: identity.upstreamSessionId,
  };
  // Neither needs the other: a session whose person is not remembered yet is one that no browser knows of.
  const [known, sessionId] = await Promise.all([
    deps.sessions === undefined ? undefined : rememberUser(user, proved.claims, proved.authTime, deps.storage),
    beginSession(proved, manner, context, deps),
  ]);
  const login: CompletedLogin = {
    ...proved,
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(known === undefined ? {} : { consented: known.consents[request.clientId] ?? [] }),
  };
  return continueLogin(request, login, false, context, deps);
}

/** A refresh asks such an upstream, which answers only if the login asked it for that. OIDC Core §11. */
const needsLastingAccess = ({ connector }: OpenConnector): boolean =>
  connector.kind === "redirect" && connector.refresh !== undefined;

function provedLogin(
  { info, connector }: OpenConnector,
  identity: Identity,
  passkey: FactorProof | undefined,
  { clock, factors }: FlowDeps,
): CompletedLogin {
  const amr = identity.amr ?? (connector.kind === "password" ? ["pwd"] : undefined);
  // A device that has recognised its person is two factors in one, and stands for whatever else a chain of theirs asks.
  const all = factors.authenticators.filter((factor) => isFor(factor, info)).map(({ id }) => id);
  return {
    connectorId: info.id,
    claims: claimsOf(identity),
    ...(identity.connectorData === undefined ? {} : { connectorData: identity.connectorData }),
    authTime: clock.now(),
    ...(amr === undefined ? {} : { amr }),
    ...(identity.acr === undefined ? {} : { acr: identity.acr }),
    ...(passkey === undefined ? {} : withProof({ factors: all }, passkey)),
  };
}

function noteLogin({ info }: OpenConnector, { claims }: CompletedLogin, { logger, trail }: FlowContext): void {
  logger.info("login successful", {
    connector_id: info.id,
    user_id: claims.userId,
    username: claims.username,
    preferred_username: claims.preferredUsername,
    email: claims.email,
    groups: claims.groups,
  });
  trail.note({
    check: "connector.login",
    outcome: "pass",
    because: `connector ${info.id} vouches for the person`,
    spec: "OIDC Core §3.1.2.3",
    about: { connector_id: info.id, user_id: claims.userId, username: claims.username, email: claims.email },
  });
}

/** Takes the next step of a completed login. */
export async function continueLogin(
  request: FlowRequest,
  login: CompletedLogin,
  isApproved: boolean,
  context: FlowContext,
  deps: FlowDeps,
): Promise<FlowOutcome> {
  const { consented } = login;
  const progress = {
    isLoggedIn: true,
    isApproved,
    subject: subjectOf(login),
    strength: login,
    missingFactors: await factorsToProve(request, login, deps),
    ...(consented === undefined ? {} : { consented }),
  };
  const step = nextStep(request, progress, deps.policy, context.trail);
  currentSpan()?.add(flowFacts(request));
  switch (step.go) {
    case "issue":
      return inSpan("flow.issue_answer", () => issueAnswer(request, login, context, deps));
    case "refuse":
      throw new ClientRefusal(step.error, request);
    case "mfa":
      return inSpan("flow.ask_factor", () => askFactor(step.factor, request, login, context, deps));
    case "consent":
      return inSpan("flow.ask_consent", () => askConsent(request, login, context, deps));
    case "login":
    case "resume":
      throw new Error("a completed login was sent back to its beginning");
    default:
      return step satisfies never;
  }
}

async function factorsToProve(
  request: FlowRequest,
  login: CompletedLogin,
  { storage, connectors, factors, policy }: FlowDeps,
): Promise<readonly string[]> {
  const client = await storage.clients.get(request.clientId);
  if (client === undefined) throw new PageError(400, "refusal.clientUnknown");
  // The request may be a day old, and its address one that the client has lost since. RFC 6749 §3.1.2.4.
  if (!isStillRegistered(request, client, policy)) throw new PageError(400, "refusal.redirectUri");
  const connector = await connectors.find(login.connectorId);
  return missingFactors(request, login, client, connector, factors);
}

async function askFactor(
  factorId: string,
  request: FlowRequest,
  login: CompletedLogin,
  context: FlowContext,
  deps: FlowDeps,
): Promise<FlowOutcome> {
  const factor = deps.factors.authenticators.find(({ id }) => id === factorId);
  if (factor === undefined || deps.sessions === undefined) {
    context.logger.error("a client demands a second factor that does not exist", {
      client_id: request.clientId,
      authenticator: factorId,
    });
    throw new PageError(500, "refusal.factorNotSetUp");
  }
  const record = toAuthRequest(request, login, deps.random);
  await deps.storage.authRequests.create(record);
  return { go: "redirect", to: factorUrl(record, factor, context, deps), status: 303 };
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
