import type { ConnectorInfo } from "../connector/contract.ts";
import type { Trail } from "../kernel/ports.ts";
import { OAuthError, type OAuthErrorCode } from "../oauth/error.ts";
import { isCodeVerifier } from "../oauth/pkce.ts";
import {
  deviceCallbackPath,
  deviceRedirectOf,
  isDeviceCallback,
  mayRedirectTo,
  outOfBandUri,
  parseRedirectUri,
} from "../oauth/redirect-uri.ts";
import { responseModeIn } from "../oauth/request-object.ts";
import {
  defaultResponseMode,
  isEnabled,
  isFrontChannel,
  isResponseMode,
  isResponseType,
} from "../oauth/response-type.ts";
import { audiencesOf, parseScope, quote, quoteList, scopes as scopeNames, unknownScopes } from "../oauth/scope.ts";
import type { Client } from "../storage/records.ts";
import { canAnswerBy } from "./client-answer.ts";
import { type AnswerTarget, ClientRefusal, type FlowPolicy, type FlowRequest } from "./contract.ts";
import { claimsObjection, requestedClaims } from "./requested-claims.ts";

/** What the request is judged against, read beforehand. */
export interface RequestFacts {
  readonly client: Client;
  readonly connectors: readonly ConnectorInfo[];
  readonly policy: FlowPolicy;
  /** Clients among the asked audiences that trust this one. */
  readonly trustedBy: ReadonlySet<string>;
  /** `sub` of `id_token_hint`; undefined where none was sent, or none that we issued. */
  readonly hintedSubject: string | undefined;
  readonly now: number;
  readonly flowId: string;
}

/** The parameters of `/auth`: each name's first value, and the names sent twice. */
export interface AuthorizationParams {
  get(name: string): string | undefined;
  readonly repeated: readonly string[];
}

/** Whether `redirect_uri` belongs to the client. Until it does, no error may leave by redirect. RFC 6749 §3.1.2.4. */
export function isRegisteredRedirect(params: AuthorizationParams, client: Client): boolean {
  const uri = params.get("redirect_uri") ?? "";
  if (params.repeated.includes("redirect_uri")) return false;
  return mayRedirectTo(uri, { registered: client.redirectUris, isPublic: client.public }) && isUsable(uri);
}

/** The same for the address of a request that was validated before. */
export function isStillRegistered({ redirectUri }: AnswerTarget, client: Client, { issuer }: FlowPolicy): boolean {
  const registered = { registered: client.redirectUris, isPublic: client.public };
  return isDeviceCallback(redirectUri, issuer)
    ? deviceRedirectOf(issuer, registered) !== undefined
    : mayRedirectTo(redirectUri, registered);
}

const isUsable = (uri: string): boolean =>
  uri === outOfBandUri || uri.startsWith("/") || parseRedirectUri(uri) !== undefined;

/** Where answers go, including refusals of what follows. */
function answerTarget(params: AuthorizationParams, policy: Pick<FlowPolicy, "issuerPath">): AnswerTarget {
  const uri = params.get("redirect_uri") ?? "";
  const state = params.get("state") ?? "";
  const types = parseScope(params.get("response_type") ?? "");
  const mode = params.repeated.includes("response_mode") ? "" : responseModeOf(params);
  const isFitting = isResponseMode(mode) && canAnswerBy(mode, uri, isFrontChannel(types));
  return {
    redirectUri: uri === deviceCallbackPath ? `${policy.issuerPath}${deviceCallbackPath}` : uri,
    // A mode that cannot be is refused, and the refusal travels as it would without one.
    responseMode: isFitting ? mode : defaultResponseMode(types),
    // RFC 6749 §3.1: a parameter without a value is one that was not sent.
    ...(state === "" ? {} : { state }),
  };
}

/** Where it is named nowhere else, what a request object says counts for the way that its refusal goes. */
function responseModeOf(params: AuthorizationParams): string {
  const request = params.get("request") ?? "";
  return (params.get("response_mode") ?? "") || (request === "" ? "" : responseModeIn(request));
}

interface Rule {
  readonly check: string;
  readonly spec?: string;
  readonly objection: (
    params: AuthorizationParams,
    facts: RequestFacts,
  ) => readonly [OAuthErrorCode, string] | undefined;
}

const text = (params: AuthorizationParams, name: string): string => params.get(name) ?? "";

/** In the order in which Dex reports them (server/authflow/request.go), the specs' own rules first. */
const rules: readonly Rule[] = [
  {
    check: "request.no_repeats",
    spec: "RFC 6749 §3.1",
    objection: ({ repeated }) =>
      repeated.length > 0 ? ["invalid_request", `Parameter ${quote(repeated[0] ?? "")} is repeated.`] : undefined,
  },
  {
    check: "request.connector",
    objection: (params, { connectors, client }) => {
      const id = text(params, "connector_id");
      if (id === "") return undefined;
      if (!connectors.some((connector) => connector.id === id)) return ["invalid_request", "Invalid ConnectorID"];
      return client.allowedConnectors.length > 0 && !client.allowedConnectors.includes(id)
        ? ["invalid_request", "Connector not allowed for this client"]
        : undefined;
    },
  },
  {
    check: "request.no_object",
    spec: "OIDC Core §6.1",
    objection: (params) => {
      if (text(params, "request") !== "")
        return ["request_not_supported", "Server does not support request parameter."];
      if (text(params, "request_uri") !== "")
        return ["request_uri_not_supported", "Server does not support request_uri parameter."];
      return text(params, "registration") !== ""
        ? ["registration_not_supported", "Server does not support registration parameter."]
        : undefined;
    },
  },
  { check: "request.pkce", spec: "RFC 7636 §4.4.1", objection: pkceObjection },
  {
    check: "request.scopes",
    spec: "OIDC Core §3.1.2.1",
    objection: (params, { client, trustedBy }) => {
      const scopes = parseScope(text(params, "scope"));
      if (!scopes.includes(scopeNames.openid)) return ["invalid_scope", `Missing required scope(s) ["openid"].`];
      const unknown = unknownScopes(scopes);
      if (unknown.length > 0) return ["invalid_scope", `Unrecognized scope(s) ${quoteList(unknown)}`];
      const distrusted = scopes.filter((scope) =>
        audiencesOf([scope]).some((peer) => peer !== client.id && !trustedBy.has(peer)),
      );
      return distrusted.length > 0
        ? ["invalid_scope", `Client can't request scope(s) ${quoteList(distrusted)}`]
        : undefined;
    },
  },
  { check: "request.response_type", spec: "OIDC Core §3", objection: responseTypeObjection },
  {
    check: "request.response_mode",
    spec: "OAuth 2.0 Multiple Response Types §2.1",
    objection: (params, { policy }) => {
      const mode = text(params, "response_mode");
      return mode === "" || mode === answerTarget(params, policy).responseMode
        ? undefined
        : ["invalid_request", `Unsupported response_mode ${quote(mode)} for this request.`];
    },
  },
  {
    check: "request.prompt",
    spec: "OIDC Core §3.1.2.1",
    objection: (params) => {
      const prompt = parseScope(text(params, "prompt"));
      const unknown = prompt.find((value) => !promptValues.includes(value));
      if (unknown !== undefined) {
        return ["invalid_request", `Invalid prompt parameter: invalid prompt value ${quote(unknown)}`];
      }
      return prompt.includes("none") && new Set(prompt).size > 1
        ? ["invalid_request", "Invalid prompt parameter: prompt=none must not be combined with other values"]
        : undefined;
    },
  },
  {
    check: "request.max_age",
    spec: "OIDC Core §3.1.2.1",
    objection: (params) => {
      const maxAge = text(params, "max_age");
      return maxAge === "" || /^\d{1,15}$/.test(maxAge)
        ? undefined
        : ["invalid_request", `Invalid max_age value ${quote(maxAge)}`];
    },
  },
  {
    check: "request.id_token_hint",
    spec: "OIDC Core §3.1.2.1",
    objection: (params, { hintedSubject }) =>
      text(params, "id_token_hint") !== "" && hintedSubject === undefined
        ? ["invalid_request", "Invalid id_token_hint."]
        : undefined,
  },
  {
    check: "request.claims",
    spec: "OIDC Core §5.5",
    objection: (params, facts) => claimsObjection(params, facts.hintedSubject),
  },
];

/** What `prompt` may hold, in Dex's order. OIDC Core §3.1.2.1. */
export const promptValues = ["none", "login", "consent", "select_account"];

function pkceObjection(
  params: AuthorizationParams,
  { policy }: RequestFacts,
): readonly [OAuthErrorCode, string] | undefined {
  const challenge = text(params, "code_challenge");
  const method = text(params, "code_challenge_method") || "plain";
  if (challenge === "") {
    // The device's own request carries the challenge, and its code never leaves us. RFC 8628 §3.3.
    return policy.enforcePkce && !isDeviceCallback(text(params, "redirect_uri"), policy.issuer)
      ? ["invalid_request", "PKCE is required. The code_challenge parameter must be provided."]
      : undefined;
  }
  if (!policy.codeChallengeMethods.includes(method)) {
    return ["invalid_request", `Unsupported PKCE challenge method (${quote(method)}).`];
  }
  // compat(dex): a short `plain` challenge works there; a challenge that no hash can make never did.
  const isWellFormed =
    method === "S256" ? isCodeVerifier(challenge) && challenge.length === 43 : /^[\x21-\x7e]{1,256}$/.test(challenge);
  return isWellFormed ? undefined : ["invalid_request", "The code_challenge is malformed."];
}

function responseTypeObjection(
  params: AuthorizationParams,
  { policy }: RequestFacts,
): readonly [OAuthErrorCode, string] | undefined {
  const types = parseScope(text(params, "response_type"));
  for (const type of types) {
    if (!isResponseType(type)) return ["invalid_request", `Invalid response type ${quote(type)}`];
    if (!isEnabled(type, types, policy.responseTypes))
      return ["unsupported_response_type", `Unsupported response type ${quote(type)}`];
  }
  if (types.length === 0) return ["invalid_request", "No response_type provided"];
  if (types.every((type) => type === "token")) {
    return ["invalid_request", "Response type 'token' must be provided with type 'id_token' and/or 'code'"];
  }
  // OIDC Core §3.2.2.1, §3.3.2.11: an ID token from the front channel must be tied to its request.
  if (types.includes("id_token") && text(params, "nonce") === "") {
    return ["invalid_request", "Response type 'token' requires a 'nonce' value."];
  }
  return types.includes("token") && text(params, "redirect_uri") === outOfBandUri
    ? ["invalid_request", `Cannot use response type 'token' with redirect_uri '${outOfBandUri}'.`]
    : undefined;
}

/**
 * The request as the rest of the flow knows it. `redirect_uri` is already the client's ({@link isRegisteredRedirect}).
 * @throws {ClientRefusal} The first rule that objects, for the client to hear.
 */
export function validateRequest(params: AuthorizationParams, facts: RequestFacts, trail: Trail): FlowRequest {
  const target = answerTarget(params, facts.policy);
  for (const rule of rules) {
    const objection = rule.objection(params, facts);
    if (objection === undefined) continue;
    const [code, description] = objection;
    trail.note({
      check: rule.check,
      outcome: "fail",
      because: description,
      ...(rule.spec === undefined ? {} : { spec: rule.spec }),
    });
    throw new ClientRefusal(new OAuthError(code, description, { detail: rule.check }), target);
  }
  trail.note({
    check: "request.valid",
    outcome: "pass",
    because: `${rules.length} rules asked`,
    spec: "OIDC Core §3.1.2.2",
  });
  const maxAge = text(params, "max_age");
  const loginHint = text(params, "login_hint");
  const prompt = parseScope(text(params, "prompt"));
  const challenge = text(params, "code_challenge");
  return {
    ...requestedClaims(params, facts.hintedSubject),
    flowId: facts.flowId,
    clientId: facts.client.id,
    ...target,
    uiLocales: parseScope(text(params, "ui_locales")),
    responseTypes: [...new Set(parseScope(text(params, "response_type")))],
    scopes: parseScope(text(params, "scope")),
    nonce: text(params, "nonce"),
    codeChallenge: challenge,
    codeChallengeMethod: challenge === "" ? "" : text(params, "code_challenge_method") || "plain",
    prompt: promptValues.filter((value) => prompt.includes(value)),
    forceConsent: prompt.includes("consent") || text(params, "approval_prompt") === "force",
    expiresAt: facts.now + facts.policy.requestLifetime,
    ...(maxAge === "" ? {} : { maxAge: Number(maxAge) }),
    ...(loginHint === "" ? {} : { loginHint }),
  };
}
