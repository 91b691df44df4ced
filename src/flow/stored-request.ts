import { newId, newLongId } from "../kernel/ids.ts";
import type { Random } from "../kernel/ports.ts";
import { Secret } from "../kernel/secret.ts";
import { defaultResponseMode, isResponseMode } from "../oauth/response-type.ts";
import { parseScope } from "../oauth/scope.ts";
import type { AuthRequest, Claims } from "../storage/records.ts";
import type { FlowRequest } from "./contract.ts";

/** A first factor passed: by whom, through which connector, when. */
export interface CompletedLogin {
  readonly connectorId: string;
  readonly claims: Claims;
  readonly connectorData?: Secret<Uint8Array>;
  /** Milliseconds since the epoch. */
  readonly authTime: number;
  /** How the person proved who they are, where we know. RFC 8176. */
  readonly amr?: readonly string[];
  /** What the upstream says of the strength, in its own words. */
  readonly acr?: string;
  /** Ids of the second factors that were proved, and the `acr` contexts that they make up. */
  readonly factors?: readonly string[];
  readonly contexts?: readonly string[];
  /** Absent where sessions are off. */
  readonly sessionId?: string;
  /** What the person agreed to before, for this client; absent where nothing is remembered. */
  readonly consented?: readonly string[];
}

/** A login that waits for its person, in Dex's format. */
export function toAuthRequest(request: FlowRequest, login: CompletedLogin, random: Random): AuthRequest {
  return {
    id: newId(random),
    clientId: request.clientId,
    responseTypes: request.responseTypes,
    scopes: request.scopes,
    redirectUri: request.redirectUri,
    nonce: request.nonce,
    state: request.state ?? "",
    forceApprovalPrompt: request.forceConsent,
    prompt: request.prompt.join(" "),
    maxAge: request.maxAge ?? -1,
    authTime: login.authTime,
    expiry: request.expiresAt,
    loggedIn: true,
    claims: login.claims,
    connectorId: login.connectorId,
    ...(login.connectorData === undefined ? {} : { connectorData: login.connectorData }),
    codeChallenge: request.codeChallenge,
    codeChallengeMethod: request.codeChallengeMethod,
    hmacKey: new Secret(Buffer.from(newLongId(random))),
    mfaValidated: false,
    extra: {
      flowId: request.flowId,
      responseMode: request.responseMode,
      ...(request.namedClaims === undefined ? {} : { namedClaims: request.namedClaims }),
      ...(request.acrValues.length === 0 ? {} : { acrValues: request.acrValues }),
      ...(request.acrIsEssential ? { acrIsEssential: true } : {}),
      ...(request.uiLocales.length === 0 ? {} : { uiLocales: request.uiLocales }),
      ...(request.loginHint === undefined ? {} : { loginHint: request.loginHint }),
      ...(request.hintedSubject === undefined ? {} : { hintedSubject: request.hintedSubject }),
      ...(request.traceparent === undefined ? {} : { traceparent: request.traceparent }),
      ...(login.sessionId === undefined ? {} : { sessionId: login.sessionId }),
      ...(login.amr === undefined ? {} : { amr: login.amr }),
      ...(login.acr === undefined ? {} : { acr: login.acr }),
      ...factorsOf(login),
    },
  };
}

/** What was proved beside the login, where anything was. */
export const factorsOf = ({ factors, contexts }: Pick<CompletedLogin, "factors" | "contexts">) => ({
  ...(factors === undefined ? {} : { factors }),
  ...(contexts === undefined ? {} : { contexts }),
});

/** The request that `record` holds, ours or Dex's. */
export function toFlowRequest(record: AuthRequest): FlowRequest {
  const { extra = {} } = record;
  const mode = extra.responseMode ?? "";
  return {
    // What Dex stored is answered once under its own id.
    flowId: extra.flowId ?? `dex:${record.id}`,
    clientId: record.clientId,
    redirectUri: record.redirectUri,
    responseTypes: record.responseTypes,
    responseMode: isResponseMode(mode) ? mode : defaultResponseMode(record.responseTypes),
    scopes: record.scopes,
    ...(record.state === "" ? {} : { state: record.state }),
    nonce: record.nonce,
    codeChallenge: record.codeChallenge,
    codeChallengeMethod: record.codeChallengeMethod,
    prompt: parseScope(record.prompt),
    ...(record.maxAge < 0 ? {} : { maxAge: record.maxAge }),
    ...(extra.loginHint === undefined ? {} : { loginHint: extra.loginHint }),
    uiLocales: extra.uiLocales ?? [],
    ...(extra.namedClaims === undefined ? {} : { namedClaims: extra.namedClaims }),
    acrValues: extra.acrValues ?? [],
    acrIsEssential: extra.acrIsEssential === true,
    ...(extra.hintedSubject === undefined ? {} : { hintedSubject: extra.hintedSubject }),
    forceConsent: record.forceApprovalPrompt,
    expiresAt: record.expiry,
    ...(extra.traceparent === undefined ? {} : { traceparent: extra.traceparent }),
  };
}

/** The login that `record` holds; only where it is `loggedIn`. */
export function toCompletedLogin(record: AuthRequest): CompletedLogin {
  return {
    connectorId: record.connectorId,
    claims: record.claims,
    ...(record.connectorData === undefined ? {} : { connectorData: record.connectorData }),
    authTime: record.authTime,
    ...(record.extra?.amr === undefined ? {} : { amr: record.extra.amr }),
    ...(record.extra?.acr === undefined ? {} : { acr: record.extra.acr }),
    ...factorsOf(record.extra ?? {}),
    ...(record.extra?.sessionId === undefined ? {} : { sessionId: record.extra.sessionId }),
  };
}
