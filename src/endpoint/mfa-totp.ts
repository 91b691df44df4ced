import type { FlowContext, FlowOutcome } from "../flow/contract.ts";
import type { TotpFactor } from "../flow/factor-contract.ts";
import {
  type FactorStep,
  leaveFactors,
  noteEnrolment,
  noteFactor,
  openFactorStep,
  ownerOf,
} from "../flow/factor-step.ts";
import { codesLeft, firstCodes } from "../flow/recovery-codes.ts";
import { stepMac } from "../flow/step-mac.ts";
import {
  beginTotp,
  confirmTotp,
  dexEnrolment,
  proveTotp,
  resumeTotp,
  type TotpEnrolment,
} from "../flow/totp-factor.ts";
import { type HttpAnswer, type HttpRequest, PageError } from "../http/contract.ts";
import { recoveryCodesPage } from "../page/recovery-codes-page.ts";
import { totpPage } from "../page/totp-page.ts";
import type { AuthRequest } from "../storage/records.ts";
import { answerStep } from "./answer-step.ts";
import { factorAddress, ownAddress, recoveryAddress } from "./factor-address.ts";
import { answerFlow } from "./flow-answer.ts";
import type { Provider } from "./provider.ts";
import { pictureOf } from "./qr-picture.ts";
import { showPage } from "./show-page.ts";
import { tryFactor } from "./try-factor.ts";

/** `/mfa/totp`: a code of the person's app, or the app's first setting up. RFC 6238. */
export async function totpEndpoint(request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  const { flow } = provider;
  if (!["GET", "HEAD", "POST"].includes(request.method)) throw new PageError(400, "refusal.method");
  return answerStep(request, provider, async (context) => {
    const step = await openFactorStep("TOTP", factorAddress(request), context, flow);
    if ("go" in step) return step;
    if (step.isEnrolled) return verify(step, request, context, provider);
    const enrolment = enrolmentOf(step, request, provider);
    return request.method === "POST"
      ? enrol(step, enrolment, request, context, provider)
      : show(200, step, enrolment, request, provider);
  });
}

type Step = FactorStep<TotpFactor>;

async function verify(
  step: Step,
  request: HttpRequest,
  context: FlowContext,
  provider: Provider,
): Promise<FlowOutcome | HttpAnswer> {
  if (request.method !== "POST") return show(200, step, undefined, request, provider);
  const user = ownerOf(step.record);
  const code = request.form().get("totp") ?? "";
  const tried = await tryFactor(request, user, provider, () => proveTotp(step.factor, user, code, provider.flow));
  if (tried === undefined) return refuse(step, undefined, request, context, provider);
  const record = await noteFactor(step.record, tried.proof, context, provider.flow);
  return tried.andKnown(await answerFlow(request, provider, () => leaveFactors(record, context, provider.flow)));
}

/** The seed of the form that comes back; without one a new seed. */
function enrolmentOf({ record, factor, identity }: Step, request: HttpRequest, { flow }: Provider): TotpEnrolment {
  const person = { ...ownerOf(record), email: record.claims.email };
  const sealed = request.form().get("enrolment") ?? "";
  const resumed = sealed === "" ? undefined : resumeTotp(factor, person, record.id, sealed, flow);
  if (resumed !== undefined) return resumed;
  const left = record.extra?.flowId === undefined ? dexEnrolment(factor, identity.mfaSecrets[factor.id]) : undefined;
  return left === undefined ? beginTotp(factor, person, record.id, flow) : { ...left, sealed: "" };
}

async function enrol(
  step: Step,
  enrolment: TotpEnrolment,
  request: HttpRequest,
  context: FlowContext,
  provider: Provider,
): Promise<FlowOutcome | HttpAnswer> {
  const { flow } = provider;
  const user = ownerOf(step.record);
  const proof = await confirmTotp(step.factor, user, enrolment, request.form().get("totp") ?? "", flow);
  if (proof === undefined) return refuse(step, enrolment, request, context, provider);
  noteEnrolment(step.factor.id, user, context);
  request.logger.info("factor enrolled", {
    user_id: user.userId,
    connector_id: user.connectorId,
    authenticator: step.factor.id,
  });
  const record = await noteFactor(step.record, proof, context, flow);
  const codes = await firstCodes(step.identity, flow);
  return codes === undefined
    ? leaveFactors(record, context, flow)
    : showCodes(codes, record, request, context, provider);
}

/** The codes are seen once; the login waits behind the button. */
export function showCodes(
  codes: readonly string[],
  record: AuthRequest,
  request: HttpRequest,
  { browsers }: FlowContext,
  provider: Provider,
): HttpAnswer {
  const { issuerPath } = provider.flow.policy;
  const fields = { hmac: stepMac(record, "step:mfa", browsers), req: record.id };
  const page = provider.page(request);
  return showPage(200, recoveryCodesPage(page, { codes, continueTo: `${issuerPath}/mfa`, fields }));
}

function refuse(
  step: Step,
  enrolment: TotpEnrolment | undefined,
  request: HttpRequest,
  { trail }: FlowContext,
  provider: Provider,
): Promise<HttpAnswer> {
  const { record, factor } = step;
  trail.note({
    check: "factor.proved",
    outcome: "fail",
    because: "the code is wrong, or was used before",
    spec: "RFC 6238 §5.2",
  });
  request.logger.info("factor refused", {
    user_id: record.claims.userId,
    connector_id: record.connectorId,
    authenticator: factor.id,
  });
  return show(401, step, enrolment, request, provider);
}

async function show(
  status: 200 | 401,
  { factor, identity }: Step,
  enrolment: TotpEnrolment | undefined,
  request: HttpRequest,
  provider: Provider,
): Promise<HttpAnswer> {
  const { issuerPath } = provider.flow.policy;
  const hasCodes = enrolment === undefined && codesLeft(identity) > 0;
  return showPage(
    status,
    totpPage(provider.page(request), {
      postUrl: ownAddress(request),
      issuer: factor.issuer,
      invalid: status === 401,
      ...(hasCodes ? { others: [{ type: "recovery", url: recoveryAddress(request, issuerPath) }] } : {}),
      ...(enrolment === undefined ? {} : { enrolment: { ...enrolment, picture: await pictureOf(enrolment.uri) } }),
    }),
  );
}
