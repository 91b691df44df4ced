/**
 * Traces by OpenTelemetry, loaded only where somebody collects them. Rooms know `kernel/span.ts`; this file alone knows
 * the library. Trace ids are those of the log and of `dex explain`.
 */
import {
  type Context,
  type Span as LibrarySpan,
  ROOT_CONTEXT,
  type SpanContext,
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
    begin(name, { traceId, traceparent }, attributes, moved) {
      const start = (startTime: number, context: Context): LibrarySpan => {
        nextTrace = traceId;
        return tracer.startSpan(name, { kind: SpanKind.SERVER, attributes, startTime }, context);
      };
      return new TracedSpan(tracer, new Place(traceparent, moved), start);
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
function remoteSpan(traceparent: string): SpanContext {
  const [, traceId = "", spanId = "", flags = ""] = traceparent.split("-");
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
}

const contextOf = (traceparent: string | undefined): Context =>
  traceparent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, remoteSpan(traceparent));

const kinds = { internal: SpanKind.INTERNAL, client: SpanKind.CLIENT } as const;

/** Milliseconds since the epoch, with their fractions. */
const now = (): number => performance.timeOrigin + performance.now();

/** Where the spans of one request stand. Known at once where the caller says so, else when it is followed or asked for. */
class Place {
  #traceparent: string | undefined;
  readonly #moved: ((traceId: string) => void) | undefined;
  isKnown: boolean;

  constructor(traceparent: string | undefined, moved: ((traceId: string) => void) | undefined) {
    this.#traceparent = traceparent;
    this.#moved = moved;
    this.isKnown = traceparent !== undefined;
  }

  get context(): Context {
    return contextOf(this.#traceparent);
  }

  move(traceparent: string): void {
    this.#traceparent = traceparent;
    this.#moved?.(remoteSpan(traceparent).traceId);
  }
}

/**
 * The library fixes the trace of a span when it begins, and a request learns what login it continues only when it has read
 * what its browser brings. So what happens until then is kept, with its time, and told to the library afterwards.
 */
class TracedSpan implements Span {
  readonly #tracer: Tracer;
  readonly #place: Place;
  readonly #start: (startTime: number, context: Context) => LibrarySpan;
  readonly #parent: TracedSpan | undefined;
  readonly #began = now();
  #span: LibrarySpan | undefined;
  #kept: ((span: LibrarySpan) => void)[] = [];

  constructor(
    tracer: Tracer,
    place: Place,
    start: (startTime: number, context: Context) => LibrarySpan,
    parent?: TracedSpan,
  ) {
    this.#tracer = tracer;
    this.#place = place;
    this.#start = start;
    this.#parent = parent;
    if (place.isKnown) this.#known();
  }

  get traceparent(): string {
    const { traceId, spanId, traceFlags } = this.#known().spanContext();
    return `00-${traceId}-${spanId}-0${traceFlags & 1}`;
  }

  child(name: string, kind: "internal" | "client", attributes: SpanFacts): Span {
    const start = (startTime: number, context: Context): LibrarySpan =>
      this.#tracer.startSpan(name, { kind: kinds[kind], attributes, startTime }, context);
    const child = new TracedSpan(this.#tracer, this.#place, start, this);
    if (!this.#place.isKnown) this.#kept.push(() => void child.#known());
    return child;
  }

  note(event: string, facts: SpanFacts): void {
    const at = now();
    this.#tell((span) => span.addEvent(event, facts, at));
  }

  add(facts: SpanFacts): void {
    this.#tell((span) => span.setAttributes(facts));
  }

  follow(traceparent: string): void {
    if (this.#parent !== undefined) {
      this.#parent.follow(traceparent);
    } else if (!this.#place.isKnown) {
      this.#place.move(traceparent);
      this.#known();
    } else {
      const context = remoteSpan(traceparent);
      const isThere = this.#known().spanContext().traceId === context.traceId;
      if (!isThere) this.#known().addLink({ context });
    }
  }

  fail(type: string): void {
    this.#tell((span) => span.setAttribute("error.type", type).setStatus({ code: SpanStatusCode.ERROR }));
  }

  end(): void {
    const at = now();
    this.#tell((span) => span.end(at));
    // Nothing followed: it stands for itself.
    if (this.#parent === undefined) this.#known();
  }

  #tell(what: (span: LibrarySpan) => void): void {
    if (this.#span === undefined) this.#kept.push(what);
    else what(this.#span);
  }

  /** The library's span, from now on at the latest. */
  #known(): LibrarySpan {
    if (this.#span !== undefined) return this.#span;
    // Which tells what it has kept, and so begins this one too, in its order.
    const parent = this.#parent === undefined ? undefined : this.#parent.#known();
    if (this.#span !== undefined) return this.#span;
    this.#place.isKnown = true;
    const context = parent === undefined ? this.#place.context : trace.setSpan(ROOT_CONTEXT, parent);
    const span = this.#start(this.#began, context);
    this.#span = span;
    const kept = this.#kept;
    this.#kept = [];
    for (const tell of kept) tell(span);
    return span;
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
