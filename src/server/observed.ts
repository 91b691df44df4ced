import { UnavailableError } from "../kernel/errors.ts";
import type { Observer } from "../kernel/ports.ts";
import type { OpenUpstreamFetch } from "../kernel/upstream-fetch.ts";
import type { Storage } from "../storage/contract.ts";

type Verb = (...args: readonly never[]) => Promise<unknown>;

const verbs = ["create", "get", "list", "update", "delete", "listOfUser"] as const;

/** `storage`, each of whose calls is told to `observer`. */
export function observedStorage(storage: Storage, observer: Observer): Storage {
  const watch = (kind: string, verb: string, call: Verb): Verb => {
    return async (...args) => {
      const began = performance.now();
      let isOk = true;
      try {
        return await call(...args);
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

/** `open`, each of whose calls is told to `observer`. */
export function observedFetch(open: OpenUpstreamFetch, observer: Observer): OpenUpstreamFetch {
  return (options, caller) => {
    const call = open(options, caller);
    return async (input, init) => {
      const began = performance.now();
      let status = 0;
      try {
        const response = await call(input, init);
        ({ status } = response);
        return response;
      } finally {
        observer.called(caller.dependency, status, performance.now() - began);
      }
    };
  };
}
