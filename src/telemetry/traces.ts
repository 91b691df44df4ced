/**
 * Traces by OpenTelemetry, loaded only where somebody collects them. Rooms know `kernel/span.ts`; this file alone knows
 * the library. Trace ids are those of the log and of `dex explain`.
 */
import {
  type Span as LibrarySpan,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { noObserver, type Observer, type Random } from "../kernel/ports.ts";
import { type BeginTrace, currentSpan, type Span, type SpanFacts } from "../kernel/span.ts";
import { openSpanExporter, type SpanExporterOptions } from "./span-exporter.ts";

export interface TracesOptions extends SpanExporterOptions {
  readonly sampleRatio: number;
  readonly followsCaller: boolean;
  readonly serviceName: string;
  readonly version: string;
  readonly resource: Readonly<Record<string, string>>;
  /** Milliseconds between two batches. */
  readonly delay: number;
  readonly maxQueue: number;
  /** `logger.excludeFields`: what may not be in the log may not be here. */
  readonly excludeFields: readonly string[];
  readonly random: Random;
}

export interface Traces {
  readonly begin: BeginTrace;
  /** Notes decisions in the span in which they are made. */
  readonly observer: Observer;
  /** Sends what is left, for two seconds at the most, and ends. */
  close(): Promise<void>;
}

/** Milliseconds that a stop waits for the collector. */
const patience = 2_000;

export function openTraces(options: TracesOptions): Traces {
  const { random, delay, timeout, maxQueue } = options;
  const exporter = openSpanExporter(options);
  let nextTrace = "";
  const root = new TraceIdRatioBasedSampler(options.sampleRatio);
  const provider = new TracerProvider({
    sampler: options.followsCaller ? new ParentBasedSampler({ root }) : root,
    resource: resourceFromAttributes({
      ...options.resource,
      "service.name": options.serviceName,
      "service.version": options.version,
    }),
    idGenerator: {
      // The request has its id before it has a span.
      generateTraceId: () => nextTrace,
      generateSpanId: () => Buffer.from(random.bytes(8)).toString("hex"),
    },
    spanProcessors: [
      new BatchSpanProcessor({
        exporter,
        scheduledDelayMillis: delay,
        // A little more than the exporter takes, which says itself what went wrong.
        exportTimeoutMillis: timeout + 1_000,
        maxQueueSize: maxQueue,
        // Small: a batch is written in one piece, and nobody else runs meanwhile.
        maxExportBatchSize: Math.min(128, maxQueue),
      }),
    ],
  });
  const tracer = provider.getTracer("dex", options.version);
  return {
    begin(name, { traceId, traceparent }, attributes) {
      nextTrace = traceId;
      const kind = SpanKind.SERVER;
      return new TracedSpan(tracer.startSpan(name, { kind, attributes }, callerContext(traceparent)), tracer);
    },
    observer: decisionNotes(options.excludeFields),
    async close() {
      const late = setTimeout(() => exporter.giveUp(), patience);
      // What could not be sent has been told of.
      await provider.shutdown().catch(() => undefined);
      clearTimeout(late);
    },
  };
}

/** The caller's span as ours sees it. `traceparent` was checked where it came in. */
function callerContext(traceparent: string | undefined) {
  const [, traceId = "", spanId = "", flags = ""] = traceparent?.split("-") ?? [];
  if (traceId === "") return ROOT_CONTEXT;
  const traceFlags = Number.parseInt(flags, 16) & 1;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}

const kinds = { internal: SpanKind.INTERNAL, client: SpanKind.CLIENT } as const;

class TracedSpan implements Span {
  readonly #span: LibrarySpan;
  readonly #tracer: Tracer;

  constructor(span: LibrarySpan, tracer: Tracer) {
    this.#span = span;
    this.#tracer = tracer;
  }

  get traceparent(): string {
    const { traceId, spanId, traceFlags } = this.#span.spanContext();
    return `00-${traceId}-${spanId}-0${traceFlags & 1}`;
  }

  child(name: string, kind: "internal" | "client", attributes: SpanFacts): Span {
    const context = trace.setSpan(ROOT_CONTEXT, this.#span);
    return new TracedSpan(this.#tracer.startSpan(name, { kind: kinds[kind], attributes }, context), this.#tracer);
  }

  note(event: string, facts: SpanFacts): void {
    this.#span.addEvent(event, facts);
  }

  add(facts: SpanFacts): void {
    this.#span.setAttributes(facts);
  }

  fail(type: string): void {
    this.#span.setAttribute("error.type", type);
    this.#span.setStatus({ code: SpanStatusCode.ERROR });
  }

  end(): void {
    this.#span.end();
  }
}

/** A decision is an event of the span it was made in, under the check's name. */
function decisionNotes(excludeFields: readonly string[]): Observer {
  const excluded = new Set(excludeFields);
  return {
    ...noObserver,
    decided({ check, outcome, because, spec, about = {} }) {
      const facts: Record<string, string> = { outcome, because, ...(spec === undefined ? {} : { spec }) };
      for (const [name, value] of Object.entries(about)) {
        if (!excluded.has(name) && value !== undefined) facts[name] = String(value);
      }
      currentSpan()?.note(check, facts);
    },
  };
}
