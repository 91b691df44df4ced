import { PageError } from "../http/contract.ts";
import { inSpan } from "../kernel/span.ts";
import type { AuthRequest, UserIdentity, UserKey } from "../storage/records.ts";
import { isFor } from "../token/factor-chain.ts";
import { openStoredLogin, requireSession, takeRecord } from "./approval.ts";
import type { FlowContext, FlowDeps, FlowOutcome } from "./contract.ts";
import type { Factor, FactorProof } from "./factor-contract.ts";
import { factorUrl } from "./factor-url.ts";
import { continueLogin } from "./finish-login.ts";
import { noteProof, openSession } from "./keep-session.ts";
import { toCompletedLogin, toFlowRequest } from "./stored-request.ts";
import { withProof } from "./with-proof.ts";

/** A login at the page of one factor. */
export interface FactorStep<F extends Factor = Factor> {
  readonly record: AuthRequest;
  readonly factor: F;
  readonly identity: UserIdentity;
  /** Whether the person has it; else it is set up here. */
  readonly isEnrolled: boolean;
}

/** Whether the person has set `factor` up. */
export const hasFactor = ({ mfaSecrets, webauthnCredentials }: UserIdentity, { id, type }: Factor): boolean =>
  type === "TOTP" ? mfaSecrets[id]?.confirmed === true : (webauthnCredentials[id]?.length ?? 0) > 0;

/** The factors that people of this connector can be asked for. */
export async function factorsFor(
  { connectorId }: Pick<UserKey, "connectorId">,
  { connectors, factors }: Pick<FlowDeps, "connectors" | "factors">,
): Promise<readonly Factor[]> {
  const connector = await connectors.find(connectorId);
  return factors.authenticators.filter((factor) => isFor(factor, connector));
}

/** The factors that this person has set up and that can still be asked for. */
export const enrolledFactors = async (
  identity: UserIdentity,
  deps: Pick<FlowDeps, "connectors" | "factors">,
): Promise<readonly Factor[]> => (await factorsFor(identity, deps)).filter((factor) => hasFactor(identity, factor));

export const ownerOf = ({ claims, connectorId }: AuthRequest): UserKey => ({ userId: claims.userId, connectorId });

/**
 * The login that an address takes to a factor of this type, or where it goes on instead.
 * @throws {PageError} The address is not of this browser and step, or names no such factor.
 */
export async function openFactorStep<T extends Factor["type"]>(
  type: T,
  address: { readonly id: string; readonly mac: string; readonly authenticator: string },
  context: FlowContext,
  deps: FlowDeps,
): Promise<FactorStep<Extract<Factor, { type: T }>> | FlowOutcome> {
  const { record } = await openStoredLogin(
    address.id,
    address.mac,
    [`authenticator:${address.authenticator}`],
    context,
    deps,
  );
  const factor = deps.factors.authenticators.find(({ id }) => id === address.authenticator);
  if (factor === undefined) throw new PageError(400, "refusal.factorUnknown");
  if (!isOfType(factor, type)) throw new PageError(400, "refusal.factorOfOtherKind");
  const identity = await deps.storage.userIdentities.get(ownerOf(record));
  if (identity === undefined) throw new PageError(500, "refusal.database");
  const isEnrolled = hasFactor(identity, factor);
  if (isEnrolled || hasProved(record)) return { record, factor, identity, isEnrolled };
  // Who knows the password alone must not add a factor beside the person's own, and pass with it.
  const [known] = await enrolledFactors(identity, deps);
  if (known === undefined) return { record, factor, identity, isEnrolled };
  context.trail.note({ check: "factor.enrolment", outcome: "fail", because: `${known.id} is to be proved first` });
  return { go: "redirect", to: factorUrl(record, known, context, deps), status: 303 };
}

const isOfType = <T extends Factor["type"]>(factor: Factor, type: T): factor is Extract<Factor, { type: T }> =>
  factor.type === type;

/** Whether any factor was proved in this login, or in the session that it reused. */
export const hasProved = ({ extra }: AuthRequest): boolean => (extra?.factors ?? []).length > 0;

/** Notes that somebody has set a factor up in a login. */
export const noteEnrolment = (factorId: string, { userId, connectorId }: UserKey, { trail }: FlowContext): void =>
  trail.note({
    check: "factor.enrolment",
    outcome: "pass",
    because: `${factorId} is set up`,
    about: { user_id: userId, connector_id: connectorId },
  });

/** Notes what the person has proved, in their login and in their session. The login stays where it is. */
export async function noteFactor(
  record: AuthRequest,
  proof: FactorProof,
  context: FlowContext,
  deps: FlowDeps,
): Promise<AuthRequest> {
  context.trail.note({
    check: "factor.proved",
    outcome: "pass",
    because: `${proof.factor}, by ${proof.amr.join(" ")}`,
  });
  context.logger.info("factor proved", {
    user_id: record.claims.userId,
    connector_id: record.connectorId,
    authenticator: proof.factor,
    amr: proof.amr,
  });
  const noted = await deps.storage.authRequests.update(record.id, (current) => ({
    ...current,
    extra: withProof(current.extra ?? {}, proof),
  }));
  if (noted === undefined) throw new PageError(400, "refusal.session");
  const sessionId = record.extra?.sessionId ?? (await openSession(context, deps))?.id;
  if (sessionId !== undefined) await noteProof(sessionId, ownerOf(record), proof, deps);
  return noted;
}

/** Goes on with a login after a factor: to the next one, to consent, to the answer. Of two tabs one goes on. */
export async function leaveFactors(record: AuthRequest, context: FlowContext, deps: FlowDeps): Promise<FlowOutcome> {
  await requireSession(record, deps);
  await takeRecord(record, deps);
  const login = await withConsents(record, deps);
  return inSpan("flow.leave_factors", () => continueLogin(toFlowRequest(record), login, false, context, deps));
}

/** What was agreed to before is not in the record: the person may have withdrawn it meanwhile. */
async function withConsents(record: AuthRequest, { storage }: FlowDeps) {
  const identity = await storage.userIdentities.get(ownerOf(record));
  return { ...toCompletedLogin(record), consented: identity?.consents[record.clientId] ?? [] };
}
