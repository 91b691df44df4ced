import type { GrantContext } from "../grant/contract.ts";
import { json } from "../http/answers.ts";
import { type HttpAnswer, type HttpRequest, MalformedError, type Params } from "../http/contract.ts";
import type { Trail } from "../kernel/ports.ts";
import { OAuthError } from "../oauth/error.ts";
import type { Client } from "../storage/records.ts";
import { authenticateRequest } from "./client-authentication.ts";
import type { Provider } from "./provider.ts";

/** RFC 6749 §5.1: nothing on the way may keep a token. */
const uncached = { "cache-control": "no-store", pragma: "no-cache" };

/** `/token`: the phases that every grant goes through, in one order. RFC 6749 §3.2. */
export async function tokenEndpoint(request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  if (request.method !== "POST") throw new OAuthError("invalid_request", "method not allowed");
  const params = readBody(request);
  const grant = provider.grants.get(params.get("grant_type") ?? "");
  if (grant === undefined) throw new OAuthError("unsupported_grant_type", "");
  const trail = provider.trail(request);
  const client = await authenticateRequest(request, (name) => params.get(name), provider.storage.clients, trail);
  const answer = await grant.redeem(params, grantContext(request, client, trail), provider.grant);
  return json(200, answer, uncached);
}

const isForwarded = ({ headers }: HttpRequest): boolean =>
  (headers["x-forwarded-for"] ?? headers.forwarded ?? headers.via) !== undefined;

const grantContext = (request: HttpRequest, client: Client, trail: Trail): GrantContext => ({
  client,
  trail,
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

/** The body's parameters. RFC 6749 §3.2: none twice; §3.1: an empty one counts as absent. */
function readBody(request: HttpRequest): ReadonlyMap<string, string> {
  let form: Params;
  try {
    form = request.form();
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw new OAuthError("invalid_request", "", { cause: error });
  }
  const twice = form.repeated[0];
  if (twice !== undefined) throw new OAuthError("invalid_request", `Parameter "${printable(twice)}" is repeated.`);
  const params = new Map<string, string>();
  for (const name of form.names) {
    const value = form.get(name) ?? "";
    if (value !== "") params.set(name, value);
  }
  return params;
}

/** RFC 6749 §5.2 allows few characters in a description. */
const printable = (text: string): string => text.slice(0, 64).replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, "?");
