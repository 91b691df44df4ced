import { z } from "zod";
import { OAuthError } from "../oauth/error.ts";
import { grantTypes } from "../oauth/grant-type.ts";
import type { DeviceToken } from "../storage/records.ts";
import type { TokenAnswer } from "../token/answer.ts";
import { decodeSubject } from "../token/subject.ts";
import type { Grant, GrantContext, GrantDeps, GrantParams } from "./contract.ts";
import { deviceStatus, findDeviceToken, pollInterval, readNote } from "./device-request.ts";
import { checkPkce, redeemCode } from "./redeem-code.ts";

/** RFC 8628 §3.4: the device asks until its person has decided. Its tokens are made in that moment, once. */
export const deviceCodeGrant: Grant = {
  grantType: grantTypes.deviceCode,
  async redeem(params, context, deps) {
    const presented = params.get("device_code");
    if (presented === undefined) throw new OAuthError("invalid_request", "No device code received");
    const token = await findDeviceToken(presented, deps);
    if (token === undefined) throw refuse(context, "no such device code", invalid());
    const note = readNote(token);
    if (note !== undefined && note.clientId !== context.client.id) {
      throw refuse(context, "it belongs to another client", invalid());
    }
    if (deps.clock.now() > token.expiry) throw refuse(context, "it has expired", new OAuthError("expired_token", ""));
    switch (token.status) {
      case deviceStatus.pending:
        return poll(token, context, deps);
      case deviceStatus.approved:
        return collect(token, note?.codeId ?? "", params, context, deps);
      case deviceStatus.denied:
        throw refuse(context, "the person refused", new OAuthError("access_denied", ""));
      case deviceStatus.dexComplete:
        return handOver(token, params, context, deps);
      default:
        throw refuse(context, "a state that we do not know", invalid());
    }
  },
};

const invalid = (): OAuthError => new OAuthError("invalid_grant", "Invalid Device code.");

function refuse(context: GrantContext, because: string, error: OAuthError): OAuthError {
  context.trail.note({ check: "device.ready", outcome: "fail", because, spec: "RFC 8628 §3.5" });
  return error;
}

/**
 * Not yet. Who asks sooner than told waits five seconds longer, who waits is forgiven. compat(dex): the first poll may
 * come at once (server/grants/devicecode.go).
 */
async function poll(token: DeviceToken, context: GrantContext, deps: GrantDeps): Promise<never> {
  const now = deps.clock.now();
  let isTooSoon = false;
  await deps.storage.deviceTokens.update(token.deviceCode, (current) => {
    if (current.status !== deviceStatus.pending) return current;
    isTooSoon = now < current.lastRequest + current.pollInterval * 1000;
    const interval = isTooSoon ? current.pollInterval + pollInterval : pollInterval;
    return { ...current, lastRequest: now, pollInterval: interval };
  });
  throw isTooSoon
    ? refuse(context, "asked too soon", new OAuthError("slow_down", ""))
    : refuse(context, "the person has not decided", new OAuthError("authorization_pending", ""));
}

/** A wrong verifier spends nothing. The code behind is gone when somebody was faster. */
async function collect(
  token: DeviceToken,
  codeId: string,
  params: GrantParams,
  context: GrantContext,
  deps: GrantDeps,
): Promise<TokenAnswer> {
  checkPkce(token, params.get("code_verifier"));
  const code = await deps.storage.authCodes.get(codeId);
  if (code === undefined || code.clientId !== context.client.id || deps.clock.now() > code.expiry) {
    throw refuse(context, "what was approved is gone", invalid());
  }
  const answer = await redeemCode({ grant: grantTypes.deviceCode, code }, context, deps);
  await deps.storage.deviceTokens.delete(token.deviceCode);
  return answer;
}

/** compat(dex): what Dex had finished before we took over is handed out as it wrote it, and once. */
async function handOver(
  token: DeviceToken,
  params: GrantParams,
  context: GrantContext,
  deps: GrantDeps,
): Promise<TokenAnswer> {
  checkPkce(token, params.get("code_verifier"));
  const answer = dexAnswer.parse(JSON.parse(token.token.reveal()));
  const [, payload = ""] = answer.access_token.split(".");
  const { aud, azp, sub } = dexClaims.parse(JSON.parse(Buffer.from(payload, "base64url").toString()));
  if ((typeof aud === "string" ? aud : azp) !== context.client.id) {
    throw refuse(context, "it belongs to another client", invalid());
  }
  const person = decodeSubject(sub);
  if (person !== undefined && (await deps.blockedUsers.until(person)) > deps.clock.now()) {
    throw refuse(context, "the person is locked out", invalid());
  }
  if (!(await deps.storage.deviceTokens.delete(token.deviceCode))) {
    throw refuse(context, "another request was faster", invalid());
  }
  return answer as TokenAnswer;
}

const dexAnswer = z.object({
  access_token: z.string(),
  token_type: z.string(),
  expires_in: z.number(),
  refresh_token: z.string().optional(),
  id_token: z.string().optional(),
});
const dexClaims = z.object({
  sub: z.string().default(""),
  aud: z.union([z.string(), z.array(z.string())]),
  azp: z.string().optional(),
});
