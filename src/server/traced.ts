import type {
  Abilities,
  Connectors,
  OpenConnector,
  PasswordConnector,
  RedirectConnector,
} from "../connector/contract.ts";
import type { HttpAnswer, HttpRequest, Route } from "../http/contract.ts";
import { asOAuthError } from "../http/error-answer.ts";
import { acceptedTraceId, traceIdOf } from "../http/trace-id.ts";
import type { Random } from "../kernel/ports.ts";
import { type BeginTrace, currentSpan, inSpan, runIn, type Span } from "../kernel/span.ts";

/** `routes`, each request of which is a span: of the caller's trace, or the first of one of ours. Without `begin` as they are. */
export const tracedRoutes = (routes: readonly Route[], begin: BeginTrace | undefined): readonly Route[] =>
  begin === undefined
    ? routes
    : routes.map((route) => ({ ...route, handler: (request) => tracedRequest(request, route, begin) }));

function tracedRequest(request: HttpRequest, { path, handler }: Route, begin: BeginTrace) {
  const { method, traceId, headers } = request;
  const { traceparent } = headers;
  const caller = { traceId, traceparent: acceptedTraceId(traceparent) === undefined ? undefined : traceparent };
  const facts = { "http.request.method": method, "http.route": path };
  const span = begin(`${method} ${path}`, caller, facts, (moved) => {
    request.traceId = moved;
  });
  const answered = (status: number): boolean => {
    span.add({ "http.response.status_code": status });
    return status >= 500;
  };
  const work = async (): Promise<HttpAnswer> => {
    const answer = await handler(request);
    if (answered(answer.status)) span.fail(String(answer.status));
    return answer;
  };
  // What is the client's own mistake is no failure of ours.
  return runIn(span, work, (fault) => answered(asOAuthError(fault).status));
}

/** The same for calls of the gRPC API, which hand their `traceparent` over as metadata. */
export const tracedCalls =
  (begin: BeginTrace, random: Random) =>
  (name: string, given: string | undefined): Span => {
    const traceparent = acceptedTraceId(given) === undefined ? undefined : given;
    const [, fullName = "", service = "", method = ""] = /^\/((.*)\/(.*))$/.exec(name) ?? [];
    const facts = { "rpc.system": "grpc", "rpc.service": service, "rpc.method": method };
    return begin(fullName, { traceId: traceIdOf(traceparent, random), traceparent }, facts);
  };

/** What a connector does on behalf of a request. */
const verbs = ["begin", "finish", "login", "negotiate", "refresh", "identify", "logout", "hearLogout"] as const;

type Verb = Extract<keyof Abilities | keyof PasswordConnector | keyof RedirectConnector, (typeof verbs)[number]>;

/** `connectors`, each conversation of which is a span: the protocols that are not HTTP show in no other. */
export const tracedConnectors = (connectors: Connectors): Connectors => ({
  ...connectors,
  async open(id) {
    const open = await connectors.open(id);
    return open === undefined || currentSpan() === undefined ? open : tracedConnector(open);
  },
});

function tracedConnector({ info, connector }: OpenConnector): OpenConnector {
  const facts = { "dex.connector.id": info.id, "dex.connector.type": info.type };
  const traced = Object.fromEntries(
    verbs.flatMap((verb: Verb) => {
      const method: unknown = Reflect.get(connector, verb);
      if (typeof method !== "function") return [];
      const call = (...args: readonly unknown[]) =>
        inSpan(`connector.${verb}`, async () => method.apply(connector, args), facts);
      return [[verb, call]];
    }),
  );
  // The rest of it, whatever it is made of, stays as it is.
  return { info, connector: Object.assign(Object.create(connector), traced) };
}
