import type { FlowContext, FlowOutcome } from "../flow/contract.ts";
import type { WebauthnFactor } from "../flow/factor-contract.ts";
import { type FactorStep, noteEnrolment, noteFactor, openFactorStep, ownerOf } from "../flow/factor-step.ts";
import { codesLeft } from "../flow/recovery-codes.ts";
import { stepMac } from "../flow/step-mac.ts";
import { beginCeremony, type Ceremony, finishAssertion, finishRegistration } from "../flow/webauthn-factor.ts";
import { json } from "../http/answers.ts";
import { type HttpAnswer, type HttpRequest, PageError } from "../http/contract.ts";
import { webauthnPage } from "../page/webauthn-page.ts";
import { answerStep } from "./answer-step.ts";
import { factorAddress, recoveryAddress } from "./factor-address.ts";
import type { Provider } from "./provider.ts";
import { readJson } from "./read-json.ts";
import { showPage } from "./show-page.ts";
import { tryFactor } from "./try-factor.ts";
import { withScript } from "./with-script.ts";

type Step = FactorStep<WebauthnFactor>;
type Answer = FlowOutcome | HttpAnswer;

/** `/mfa/webauthn`: the page that asks for a key. */
export async function webauthnEndpoint(request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  if (request.method !== "GET" && request.method !== "HEAD") throw new PageError(405, "refusal.method");
  return answerStep(request, provider, async (context) => {
    const step = await openFactorStep("WebAuthn", factorAddress(request), context, provider.flow);
    return "go" in step ? step : show(step, request, provider);
  });
}

function show({ identity, isEnrolled }: Step, request: HttpRequest, provider: Provider): HttpAnswer {
  const { issuerPath } = provider.flow.policy;
  const base = `${issuerPath}/mfa/webauthn/${isEnrolled ? "login" : "register"}`;
  const page = showPage(
    200,
    webauthnPage(provider.page(request), {
      mode: isEnrolled ? "login" : "register",
      exchange: {
        kind: "called",
        beginUrl: `${base}/begin?${request.rawQuery}`,
        finishUrl: `${base}/finish?${request.rawQuery}`,
      },
      ...(isEnrolled && codesLeft(identity) > 0
        ? { others: [{ type: "recovery", url: recoveryAddress(request, issuerPath) }] }
        : {}),
    }),
  );
  return withScript(page);
}

/** One of the four addresses that the page's script calls. compat(dex): JSON of server/mfa/webauthn.go. */
const called =
  (
    ceremony: Ceremony,
    act: (step: Step, request: HttpRequest, context: FlowContext, provider: Provider) => Promise<Answer>,
  ) =>
  async (request: HttpRequest, provider: Provider): Promise<HttpAnswer> => {
    if (request.method !== "POST") return json(405, { error: "Method not allowed." });
    return answerStep(request, provider, async (context) => {
      const step = await openFactorStep("WebAuthn", factorAddress(request), context, provider.flow);
      if ("go" in step) return json(409, { error: "Another factor comes first." });
      // Never open: who has a key proves it, and whoever has proved it adds others on the account page.
      if (ceremony === "register" && step.isEnrolled) return json(409, { error: "A key is registered already." });
      if (ceremony === "login" && !step.isEnrolled) return json(400, { error: "No WebAuthn credentials registered." });
      return act(step, request, context, provider);
    });
  };

const beginner = (ceremony: Ceremony) =>
  called(ceremony, async ({ record, identity, factor }, _request, _context, { flow }) =>
    json(200, await beginCeremony(ceremony, record, identity, factor, flow), { "cache-control": "no-store" }),
  );

export const webauthnRegisterBeginEndpoint = beginner("register");
export const webauthnLoginBeginEndpoint = beginner("login");

export const webauthnRegisterFinishEndpoint = called("register", async (step, request, context, provider) => {
  const { record, factor } = step;
  const finished = await finishRegistration(record, factor, answerOf(request), provider.flow);
  if (!finished.ok) return refuse(finished.reason, 400, "Registration failed.", step, request, context);
  const { userId, connectorId } = ownerOf(record);
  noteEnrolment(factor.id, ownerOf(record), context);
  request.logger.info("factor enrolled", { user_id: userId, connector_id: connectorId, authenticator: factor.id });
  const noted = await noteFactor(record, finished.proof, context, provider.flow);
  return goOn(noted.id, stepMac(noted, "step:mfa", context.browsers), provider);
});

export const webauthnLoginFinishEndpoint = called("login", async (step, request, context, provider) => {
  const { record, factor, identity } = step;
  let reason = "";
  const tried = await tryFactor(request, ownerOf(record), provider, async () => {
    const finished = await finishAssertion(record, identity, factor, answerOf(request), provider.flow);
    if (finished.ok) return finished.proof;
    reason = finished.reason;
    return undefined;
  });
  if (tried === undefined) return refuse(reason, 401, "Authentication failed.", step, request, context);
  const noted = await noteFactor(record, tried.proof, context, provider.flow);
  return tried.andKnown(goOn(noted.id, stepMac(noted, "step:mfa", context.browsers), provider));
});

function goOn(req: string, hmac: string, { flow }: Provider): HttpAnswer {
  const redirect = `${flow.policy.issuerPath}/mfa?${new URLSearchParams({ hmac, req })}`;
  return json(200, { redirect, status: "ok" }, { "cache-control": "no-store" });
}

function refuse(
  reason: string,
  status: number,
  error: string,
  { record, factor }: Step,
  { logger }: HttpRequest,
  { trail }: FlowContext,
): HttpAnswer {
  trail.note({ check: "factor.proved", outcome: "fail", because: reason, spec: "WebAuthn §7" });
  logger.warn("factor refused", {
    user_id: record.claims.userId,
    connector_id: record.connectorId,
    authenticator: factor.id,
    reason,
  });
  // What the library says is for the log: Dex tells it to the browser.
  return json(status, { error });
}

const answerOf = ({ body }: HttpRequest): unknown => readJson(Buffer.from(body).toString("utf8"));
