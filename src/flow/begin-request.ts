import type { AuthSession, UserIdentity } from "../storage/records.ts";
import { multiFactor } from "../token/factor-chain.ts";
import { encodeSubject } from "../token/subject.ts";
import { ClientRefusal, type FlowContext, type FlowDeps, type FlowOutcome, type FlowRequest } from "./contract.ts";
import { enrolledFactors } from "./factor-step.ts";
import { continueLogin } from "./finish-login.ts";
import { openSession, useSession } from "./keep-session.ts";
import { attainableContexts, missingFactors } from "./missing-factors.ts";
import { nextStep, type SessionFacts } from "./next-step.ts";
import { authTimeOf, type Reach, sharesWith, sharingCandidates } from "./session.ts";
import { type CompletedLogin, factorsOf } from "./stored-request.ts";

/**
 * The first step of a request at one connector: the answer of a session that may stand for the login, or undefined
 * where the person has to sign in. @throws {ClientRefusal} They would have to, and must not be asked. OIDC Core §3.1.2.3.
 */
export async function beginRequest(
  request: FlowRequest,
  connectorId: string,
  context: FlowContext,
  deps: FlowDeps,
): Promise<FlowOutcome | undefined> {
  const offer = await openOffer(request, connectorId, context, deps);
  const step = nextStep(
    request,
    { isLoggedIn: false, isApproved: false, ...(offer === undefined ? {} : { session: offer.facts }) },
    deps.policy,
    context.trail,
  );
  if (step.go === "refuse") throw new ClientRefusal(step.error, request);
  if (step.go !== "resume" || offer === undefined) return undefined;
  if (await useSession(offer.session, request.clientId, context, deps)) return resume(offer, request, context, deps);
  // It ended while we looked; nobody is signed in any more.
  return beginRequest(request, connectorId, context, deps);
}

interface Offer {
  readonly session: AuthSession;
  readonly identity: UserIdentity;
  readonly facts: SessionFacts;
}

/** The browser's session, where it is one at this connector, of somebody who may still come in. */
async function openOffer(
  request: FlowRequest,
  connectorId: string,
  context: FlowContext,
  deps: FlowDeps,
): Promise<Offer | undefined> {
  const session = await openSession(context, deps);
  if (session === undefined || session.connectorId !== connectorId) return undefined;
  const now = deps.clock.now();
  const identity = await deps.storage.userIdentities.get(session);
  deps.blockedUsers.learn(session, identity, now);
  const connector = await deps.connectors.find(connectorId);
  if (identity === undefined || identity.blockedUntil > now) return undefined;
  const facts: SessionFacts = {
    subject: encodeSubject({ userId: session.userId, connectorId }),
    authTime: authTimeOf(session),
    now,
    strength: {
      ...(session.extra?.acr === undefined ? {} : { acr: session.extra.acr }),
      contexts: [...(session.extra?.contexts ?? []), ...attainableContexts(connector, deps.factors)],
    },
    isOnlineOnly: session.extra?.isOnlineOnly === true,
    leadsToEnrolment: await leadsToEnrolment(request, session, identity, deps),
    reach: await reachOf(session, request.clientId, deps),
  };
  return { session, identity, facts };
}

/** Whether the session would go on to set up the first factor of its person. */
async function leadsToEnrolment(
  request: FlowRequest,
  { extra = {} }: AuthSession,
  identity: UserIdentity,
  deps: FlowDeps,
): Promise<boolean> {
  const { factors, connectors, storage } = deps;
  if (factors.authenticators.length === 0 || (extra.factors ?? []).length > 0) return false;
  if ((await enrolledFactors(identity, deps)).length > 0) return false;
  const client = await storage.clients.get(request.clientId);
  const connector = await connectors.find(identity.connectorId);
  return client !== undefined && missingFactors(request, extra, client, connector, factors).length > 0;
}

async function reachOf(session: AuthSession, clientId: string, { sessions, storage }: FlowDeps): Promise<Reach> {
  if (Object.hasOwn(session.clientStates, clientId)) return "own";
  if (sessions === undefined) return "none";
  for (const id of sharingCandidates(session, clientId)) {
    const source = await storage.clients.get(id);
    if (source !== undefined && sharesWith(source, clientId, sessions)) return "shared";
  }
  return "none";
}

function resume(
  { session, identity, facts }: Offer,
  request: FlowRequest,
  context: FlowContext,
  deps: FlowDeps,
): Promise<FlowOutcome> {
  const { acr, connectorData } = session.extra ?? {};
  const login = {
    connectorId: session.connectorId,
    claims: identity.claims,
    authTime: facts.authTime,
    sessionId: session.id,
    consented: identity.consents[request.clientId] ?? [],
    ...shownBy(session, deps.factors.isAskedEveryTime),
    ...(acr === undefined ? {} : { acr }),
    ...(connectorData === undefined ? {} : { connectorData }),
  };
  return continueLogin(request, login, false, context, deps);
}

/**
 * What the session has shown of its person. Where factors are asked for every time it forgets them, and "mfa" with them:
 * left alone the word of ours would pass for that of an upstream that is trusted.
 */
function shownBy(
  { extra = {} }: AuthSession,
  isForgetful: boolean,
): Pick<CompletedLogin, "amr" | "factors" | "contexts"> {
  const { amr, factors = [] } = extra;
  if (!isForgetful) return { ...(amr === undefined ? {} : { amr }), ...factorsOf(extra) };
  if (amr === undefined) return {};
  return { amr: factors.length === 0 ? amr : amr.filter((method) => method !== multiFactor) };
}
