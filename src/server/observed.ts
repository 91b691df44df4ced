import { UnavailableError } from "../kernel/errors.ts";
import type { Observer } from "../kernel/ports.ts";
import { currentSpan, inSpan } from "../kernel/span.ts";
import type { OpenUpstreamFetch } from "../kernel/upstream-fetch.ts";
import type { Storage } from "../storage/contract.ts";

type Verb = (...args: readonly never[]) => Promise<unknown>;

const verbs = ["create", "get", "list", "update", "delete", "listOfUser", "page"] as const;

/** `storage`, each of whose calls is told to `observer`. */
export function observedStorage(storage: Storage, observer: Observer): Storage {
  const watch = (kind: string, verb: string, call: Verb): Verb => {
    const facts = { "db.operation.name": verb, "db.collection.name": kind };
    return async (...args) => {
      const began = performance.now();
      let isOk = true;
      try {
        return await inSpan(`storage.${verb}`, () => call(...args), facts, "client");
      } catch (error) {
        // A key that is taken is an answer like any other.
        isOk = !(error instanceof UnavailableError);
        throw error;
      } finally {
        observer.stored(kind, verb, performance.now() - began, isOk);
      }
    };
  };
  const watchKind = (kind: string, collection: object): object =>
    Object.fromEntries(
      verbs.flatMap((verb) => {
        const call: unknown = Reflect.get(collection, verb);
        return isVerb(call) ? [[verb, watch(kind, verb, call.bind(collection))]] : [];
      }),
    );
  const { collectGarbage, ping, close, ...kinds } = storage;
  const watched: Record<string, unknown> = {
    collectGarbage: watch("", "collectGarbage", collectGarbage.bind(storage)),
    ping: watch("", "ping", ping.bind(storage)),
    close: close.bind(storage),
  };
  for (const [kind, collection] of Object.entries(kinds)) watched[kind] = watchKind(kind, collection);
  return { ...storage, ...watched };
}

const isVerb = (member: unknown): member is Verb => typeof member === "function";

/** `open`, each of whose calls is told to `observer`, and carries the trace of the request it is made for. */
export function observedFetch(open: OpenUpstreamFetch, observer: Observer): OpenUpstreamFetch {
  return (options, caller) => {
    const call = open(options, caller);
    return async (input, init) => {
      const began = performance.now();
      let status = 0;
      try {
        const response = await inSpan(`call ${caller.dependency}`, () => tracedCall(call, input, init), {}, "client");
        ({ status } = response);
        return response;
      } finally {
        observer.called(caller.dependency, status, performance.now() - began);
      }
    };
  };
}

/** Address and query stay out: they hold codes and names. W3C Trace Context §2. */
async function tracedCall(call: typeof fetch, ...[input, init]: Parameters<typeof fetch>): Promise<Response> {
  const span = currentSpan();
  if (span === undefined) return call(input, init);
  const request = new Request(input, init);
  request.headers.set("traceparent", span.traceparent);
  span.add({ "http.request.method": request.method, "server.address": new URL(request.url).hostname });
  const response = await call(request);
  span.add({ "http.response.status_code": response.status });
  return response;
}
