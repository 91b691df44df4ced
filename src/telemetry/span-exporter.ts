import { setTimeout as wait } from "node:timers/promises";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace";
import type { Logger } from "../kernel/ports.ts";
import type { Secret } from "../kernel/secret.ts";

export interface SpanExporterOptions {
  readonly endpoint: string;
  readonly headers: Secret<Readonly<Record<string, string>>>;
  readonly isCompressed: boolean;
  /** Milliseconds for one batch, whatever is tried. */
  readonly timeout: number;
  /** Our way to others: with its proxies and authorities. */
  readonly fetch: typeof fetch;
  readonly logger: Logger;
}

type Result = Parameters<Parameters<SpanExporter["export"]>[1]>[0];

const took: Result = { code: 0 };
const lost = (error: Error): Result => ({ code: 1, error });

const compress = promisify(gzip);
const mostTries = 3;

/**
 * Sends spans by OTLP over HTTP. What a collector does not take is lost, and nobody waits for it: of the first loss
 * there is a warning, and a line when it takes them again.
 */
export function openSpanExporter(options: SpanExporterOptions): SpanExporter & { giveUp(): void } {
  const { endpoint, logger, timeout } = options;
  const closing = new AbortController();
  let isFailing = false;

  async function send(spans: ReadableSpan[]): Promise<void> {
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(timeout)]);
    const { body, headers } = await wording(spans, options);
    for (let tries = 1; ; tries++) {
      const response = await options.fetch(endpoint, { method: "POST", body, headers, redirect: "error", signal });
      if (response.ok) return noteRejected(new Uint8Array(await response.arrayBuffer()), logger);
      // OTLP: these say "later", all others "never".
      if (![429, 502, 503, 504].includes(response.status) || tries === mostTries)
        throw new Error(`the collector answers ${response.status}`);
      await wait(500 * tries, undefined, { signal });
    }
  }

  return {
    export(spans, done) {
      send(spans).then(
        () => {
          if (isFailing) logger.info("traces: the collector takes them again", { endpoint });
          isFailing = false;
          done(took);
        },
        (error: unknown) => {
          if (!isFailing)
            logger.warn("traces: the collector does not take them; they are lost until it does", { endpoint }, error);
          isFailing = true;
          done(lost(error instanceof Error ? error : new Error(String(error))));
        },
      );
    },
    shutdown: async () => undefined,
    giveUp: () => closing.abort(),
  };
}

async function wording(spans: ReadableSpan[], { headers, isCompressed }: SpanExporterOptions) {
  const message = ProtobufTraceSerializer.serializeRequest(spans) ?? new Uint8Array();
  const body = isCompressed ? await compress(message) : Buffer.from(message);
  const encoding = isCompressed ? { "content-encoding": "gzip" } : {};
  return { body, headers: { ...headers.reveal(), ...encoding, "content-type": "application/x-protobuf" } };
}

/** The collector took a part. OTLP: partial success. */
function noteRejected(answer: Uint8Array, logger: Logger): void {
  const { partialSuccess } = ProtobufTraceSerializer.deserializeResponse(answer);
  const rejected = Number(partialSuccess?.rejectedSpans ?? 0);
  if (rejected > 0) {
    logger.warn("traces: the collector refused some", { rejected, reason: partialSuccess?.errorMessage ?? "" });
  }
}
