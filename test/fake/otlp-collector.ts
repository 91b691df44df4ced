import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { gunzipSync } from "node:zlib";
import protobuf from "protobufjs";
import { loopbackServer } from "./loopback-server.ts";

/**
 * The part of opentelemetry-proto that traces use, by its numbers:
 * `opentelemetry/proto/collector/trace/v1/trace_service.proto` and what it imports.
 */
const { root } = protobuf.parse(`
  syntax = "proto3";
  message ExportTraceServiceRequest { repeated ResourceSpans resource_spans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message ScopeSpans { repeated Span spans = 2; }
  message Span {
    bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; string name = 5; uint32 kind = 6;
    fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8;
    repeated KeyValue attributes = 9; repeated Event events = 11; repeated Link links = 13; Status status = 15;
  }
  message Link { bytes trace_id = 1; bytes span_id = 2; }
  message Event { fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3; }
  message Status { string message = 2; uint32 code = 3; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; } }
`);
const exported = root.lookupType("ExportTraceServiceRequest");

export interface CollectedSpan {
  readonly traceId: string;
  readonly id: string;
  /** Empty: the first of its trace. */
  readonly parentId: string;
  readonly name: string;
  /** 1 internal, 2 server, 3 client. */
  readonly kind: number;
  readonly facts: Readonly<Record<string, string>>;
  readonly events: readonly { readonly name: string; readonly facts: Readonly<Record<string, string>> }[];
  /** Traces that it belongs to beside its own. */
  readonly links: readonly string[];
  readonly isError: boolean;
}

interface Collector {
  /** The whole address for traces. */
  readonly url: string;
  readonly requests: readonly IncomingMessage[];
  readonly spans: readonly CollectedSpan[];
  /** What every process said of itself. */
  readonly resources: readonly Readonly<Record<string, string>>[];
  /** What it answers from now on; undefined: nothing at all. */
  answers: number | undefined;
  /** Resolves once spans satisfy `isEnough`. */
  until(isEnough: (spans: readonly CollectedSpan[]) => boolean): Promise<void>;
  close(): Promise<void>;
}

/** Takes traces by OTLP/HTTP as a real collector does: protocol buffers, packed or not. */
export async function fakeCollector(): Promise<Collector> {
  const requests: IncomingMessage[] = [];
  const spans: CollectedSpan[] = [];
  const resources: Readonly<Record<string, string>>[] = [];
  const arrivals = new EventTarget();
  const server = await loopbackServer((request, response) => {
    requests.push(request);
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      arrivals.dispatchEvent(new Event("arrival"));
      if (collector.answers === undefined) return;
      if (collector.answers === 200) take(Buffer.concat(chunks), request.headers["content-encoding"] === "gzip");
      response.writeHead(collector.answers, { "content-type": "application/x-protobuf" }).end();
      arrivals.dispatchEvent(new Event("arrival"));
    });
  });

  function take(body: Buffer, isPacked: boolean): void {
    const message = exported.decode(isPacked ? gunzipSync(body) : body);
    const plain = exported.toObject(message, { longs: String, defaults: true, arrays: true }) as Exported;
    for (const { resource, scopeSpans } of plain.resourceSpans) {
      resources.push(factsOf(resource?.attributes ?? []));
      for (const each of scopeSpans) spans.push(...each.spans.map(spanOf));
    }
  }

  const collector: Collector = {
    url: `${server.url}/v1/traces`,
    requests,
    spans,
    resources,
    answers: 200,
    async until(isEnough) {
      while (!isEnough(spans)) await once(arrivals, "arrival");
    },
    close: server.close,
  };
  return collector;
}

type Pairs = readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];

interface Exported {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: Pairs } | null;
    readonly scopeSpans: readonly { readonly spans: readonly ExportedSpan[] }[];
  }[];
}

interface ExportedSpan {
  readonly traceId: Buffer;
  readonly spanId: Buffer;
  readonly parentSpanId: Buffer;
  readonly name: string;
  readonly kind: number;
  readonly attributes: Pairs;
  readonly events: readonly { readonly name: string; readonly attributes: Pairs }[];
  readonly links: readonly { readonly traceId: Buffer }[];
  readonly status: { readonly code: number } | null;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

const factsOf = (pairs: Pairs): Readonly<Record<string, string>> =>
  Object.fromEntries(pairs.map(({ key, value }) => [key, String(Object.values(value).join())]));

const spanOf = (span: ExportedSpan): CollectedSpan => ({
  traceId: hex(span.traceId),
  id: hex(span.spanId),
  parentId: hex(span.parentSpanId),
  name: span.name,
  kind: span.kind,
  facts: factsOf(span.attributes),
  events: span.events.map(({ name, attributes }) => ({ name, facts: factsOf(attributes) })),
  links: span.links.map(({ traceId }) => hex(traceId)),
  isError: span.status?.code === 2,
});
