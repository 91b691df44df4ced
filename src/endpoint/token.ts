import type { GrantContext } from "../grant/contract.ts";
import { json } from "../http/answers.ts";
import type { HttpAnswer, HttpRequest } from "../http/contract.ts";
import { asOAuthError } from "../http/error-answer.ts";
import type { Trail } from "../kernel/ports.ts";
import { inSpan } from "../kernel/span.ts";
import { OAuthError } from "../oauth/error.ts";
import { authenticateRequest, type KnownClient } from "./client-authentication.ts";
import { readMachineForm, uncached } from "./machine-form.ts";
import type { Provider } from "./provider.ts";

/** `/token`: the phases that every grant goes through, in one order. RFC 6749 §3.2. */
export async function tokenEndpoint(request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  if (request.method !== "POST") throw new OAuthError("invalid_request", "method not allowed");
  const params = readMachineForm(
    request,
    (form) => provider.grants.get(form.get("grant_type") ?? "")?.repeatable ?? [],
  );
  const grant = provider.grants.get(params.get("grant_type") ?? "");
  if (grant === undefined) throw new OAuthError("unsupported_grant_type", "");
  const trail = provider.trail(request);
  let clientId: string | undefined;
  try {
    const known = await authenticateRequest(request, params.get, provider, trail);
    clientId = known.client.id;
    const context = grantContext(request, known, trail);
    const answer = await inSpan(`grant ${grant.grantType}`, () => grant.redeem(params, context, provider.grant));
    trail.note({
      check: "token.answered",
      outcome: "pass",
      because: "tokens were issued",
      about: { grant_type: grant.grantType, client_id: clientId },
    });
    return json(200, answer, uncached);
  } catch (fault) {
    const error = asOAuthError(fault).code;
    trail.note({
      check: "token.answered",
      outcome: "fail",
      because: `the client is told ${error}`,
      spec: "RFC 6749 §5.2",
      about: { grant_type: grant.grantType, client_id: clientId, error },
    });
    throw fault;
  }
}

const isForwarded = ({ headers }: HttpRequest): boolean =>
  (headers["x-forwarded-for"] ?? headers.forwarded ?? headers.via) !== undefined;

const grantContext = (request: HttpRequest, { client, method }: KnownClient, trail: Trail): GrantContext => ({
  client,
  trail,
  ...(method === "none" ? { address: request.clientIp } : {}),
  // Behind a proxy many clients share a connection, and what came over it before was somebody else's.
  connection: isForwarded(request) ? {} : request.connection,
  receivedAt: request.receivedAt,
  // Made when somebody asks: most grants call no upstream and log nothing.
  get signal() {
    return request.signal;
  },
  get logger() {
    return request.logger;
  },
});
