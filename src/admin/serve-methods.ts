import type { PeerCertificate } from "node:tls";
import {
  type handleUnaryCall,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import { TooManyAttemptsError, UnavailableError } from "../kernel/errors.ts";
import type { Logger, Observer, Trail } from "../kernel/ports.ts";
import { runIn, type Span } from "../kernel/span.ts";
import type { AdminDeps, Call } from "./contract.ts";
import { Refusal, StepError } from "./refusal.ts";

/** What serving takes beside the methods themselves. */
export interface ServeDeps {
  /** @throws {UnavailableError} The database has not answered yet. */
  current(): AdminDeps;
  readonly observer: Observer;
  readonly logger: Logger;
  /** Makes each call a span of the caller's trace, or the first of one of ours. Undefined: nobody collects traces. */
  readonly trace: ((name: string, traceparent: string | undefined) => Span) | undefined;
}

type UnaryCall = ServerUnaryCall<unknown, unknown>;
type Method = (request: never, deps: AdminDeps, call: Call) => Promise<unknown>;

/** Wraps the methods of one service into what the library calls: deadlines, status codes, the log, the observer. */
export function serveMethods(
  definition: ServiceDefinition,
  methods: Readonly<Record<string, Method>>,
  deps: ServeDeps,
): Readonly<Record<string, handleUnaryCall<unknown, unknown>>> {
  return Object.fromEntries(
    Object.entries(definition).map(([name, { path }]) => {
      const method = methods[name];
      if (method === undefined) throw new Error(`nothing serves ${path}`);
      return [name, serveMethod(path, method, deps)];
    }),
  );
}

function serveMethod(path: string, method: Method, { current, observer, logger, trace }: ServeDeps) {
  const [, service = "", name = ""] = path.split("/");
  const rpc = { service, method: name, type: "unary" };
  observer.rpcServed(rpc);
  const isReading = /^(Get|List|Verify)/.test(name);
  return async (call: UnaryCall, answer: sendUnaryData<unknown>): Promise<void> => {
    const startedAt = performance.now();
    observer.rpcStarted(rpc);
    const done = (code: status, message = ""): void => {
      const span = performance.now() - startedAt;
      observer.rpcHandled(rpc, goCode(code), span);
      const log = isReading ? logger.debug : logger.info;
      log("call", {
        method: path,
        code: goCode(code),
        ms: Math.round(span),
        ...(message === "" ? {} : { message }),
        ...callerOf(call),
      });
    };
    try {
      // The library has decoded the message by the file that the methods' types were made from.
      const work = () => method(call.request as never, current(), new RunningCall(call, logger, observer));
      const response = await (trace === undefined ? work() : runIn(trace(path, traceparentOf(call)), work));
      if (call.cancelled) return done(cancelledCode(call));
      answer(null, response);
      done(status.OK);
    } catch (error) {
      if (call.cancelled) return done(cancelledCode(call));
      const { code, message } = statusOf(error);
      if (!(error instanceof Refusal || error instanceof TooManyAttemptsError))
        logger.error(`failed to ${error instanceof StepError ? error.what : `serve ${path}`}`, {}, error);
      answer({ code, details: message });
      done(code, message);
    }
  };
}

const traceparentOf = ({ metadata }: UnaryCall): string | undefined => metadata.get("traceparent")[0]?.toString();

/** What a method sees of its call. The signal is made for whoever looks at it: hardly anybody does. */
class RunningCall implements Call {
  readonly #call: Pick<UnaryCall, "once" | "cancelled" | "getPeer">;
  readonly logger: Logger;
  readonly #observer: Observer;

  constructor(call: Pick<UnaryCall, "once" | "cancelled" | "getPeer">, logger: Logger, observer: Observer) {
    this.#call = call;
    this.logger = logger;
    this.#observer = observer;
  }

  get trail(): Trail {
    const asker = { traceId: "", clientIp: this.#call.getPeer().replace(/:\d+$/, "") };
    return { note: (decision) => this.#observer.decided(decision, asker) };
  }

  get signal(): AbortSignal {
    const gone = new AbortController();
    if (this.#call.cancelled) gone.abort();
    else this.#call.once("cancelled", () => gone.abort());
    return gone.signal;
  }
}

/** compat(dex): everything is UNKNOWN, with its text; but what a client should try again, or later, says so. */
function statusOf(error: unknown): { readonly code: status; readonly message: string } {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof TooManyAttemptsError) return { code: status.RESOURCE_EXHAUSTED, message };
  const cause = error instanceof StepError ? error.cause : error;
  return { code: cause instanceof UnavailableError ? status.UNAVAILABLE : status.UNKNOWN, message };
}

const cancelledCode = (call: UnaryCall): status => {
  const deadline = Number(call.getDeadline());
  return deadline <= performance.timeOrigin + performance.now() ? status.DEADLINE_EXCEEDED : status.CANCELLED;
};

/** Who called, as far as the connection proves it. */
function callerOf(call: UnaryCall): { readonly peer: string; readonly caller?: string } {
  const peer = call.getPeer();
  const certificate = call.getAuthContext().sslPeerCertificate;
  return certificate === undefined ? { peer } : { peer, caller: nameOf(certificate) };
}

/** The common name, or else the names it is valid for; never empty for a certificate that was shown. */
const nameOf = ({ subject, subjectaltname, fingerprint256 }: PeerCertificate): string =>
  [subject?.CN ?? []].flat().join(" ") || subjectaltname || fingerprint256 || "a certificate without a name";

/** `DEADLINE_EXCEEDED` as Go writes it, `DeadlineExceeded`, with one l in `Canceled`: dashboards know these. */
const goCode = (code: status): string => {
  if (code === status.OK) return "OK";
  if (code === status.CANCELLED) return "Canceled";
  const name = status[code] ?? "UNKNOWN";
  return name.toLowerCase().replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
};
