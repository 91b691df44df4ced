import { type Millis, millis } from "../kernel/ports.ts";
import { Secret } from "../kernel/secret.ts";
import { type Env, variable } from "./feature-flags.ts";
import type { Reading } from "./reading.ts";

/** Where OpenTelemetry's traces go. What the file leaves out, the standard variables say. */
export interface TracesConfig {
  /** The whole address, http or https. */
  readonly endpoint: string;
  readonly headers: Secret<Readonly<Record<string, string>>>;
  /** Of traces that begin here, 0 to 1. */
  readonly sampleRatio: number;
  /** Whether a caller's own choice counts for its traces. */
  readonly followsCaller: boolean;
  readonly serviceName: string;
  /** What is told of this process besides. */
  readonly resource: Readonly<Record<string, string>>;
  readonly isCompressed: boolean;
  /** For one batch. */
  readonly timeout: Millis;
  /** Between two batches. */
  readonly delay: Millis;
  /** Spans that wait at the most; what comes on top is lost. */
  readonly maxQueue: number;
  /** PEM files; empty: the system's authorities, no certificate of ours. */
  readonly files: { readonly rootCA: string; readonly certificate: string; readonly key: string };
}

/**
 * Undefined: nobody collects traces, or what is said of them cannot be used. A file is refused for it; an environment,
 * which may be meant for others, is warned of. OpenTelemetry: OTLP exporter, SDK variables.
 */
export function readTraces({ file, env, findings }: Reading): TracesConfig | undefined {
  const { endpoint: own, headers, headersEnv, sampleRatio, serviceName } = file.telemetry.traces;
  const endpoint = own || endpointFrom(env);
  if (endpoint === undefined) return undefined;
  const mistakes: string[] = [];
  const given = <T>(value: T | undefined, mistake: string): T | undefined => {
    if (value === undefined) mistakes.push(mistake);
    return value;
  };
  if (!isHttp(endpoint)) mistakes.push("the endpoint must be an http or https address");
  const protocol = otlp(env, "PROTOCOL") || "http/protobuf";
  if (protocol !== "http/protobuf") mistakes.push(`OTLP is spoken as http/protobuf here, not as ${protocol}`);
  const written = headersEnv === "" ? headers.reveal() : variable(env, headersEnv);
  if (headersEnv !== "" && written === "") mistakes.push(`the variable ${headersEnv} is empty`);
  const pairs = given(readPairs(written || otlp(env, "HEADERS")), "headers must be name=value,name=value");
  const sampler = given(readSampler(env, sampleRatio), "OTEL_TRACES_SAMPLER and its argument name no known sampler");
  const resource = given(
    readPairs(variable(env, "OTEL_RESOURCE_ATTRIBUTES")),
    "OTEL_RESOURCE_ATTRIBUTES must be name=value,name=value",
  );
  for (const mistake of mistakes) {
    if (own === "") findings.warn("telemetry.traces", `no traces: ${mistake}`);
    else findings.refuse("setup", "telemetry.traces", `traces: ${mistake}`);
  }
  if (mistakes.length > 0 || pairs === undefined || sampler === undefined || resource === undefined) return undefined;
  return {
    endpoint,
    headers: new Secret(pairs),
    ...sampler,
    serviceName: serviceName || variable(env, "OTEL_SERVICE_NAME") || resource["service.name"] || "dex",
    resource,
    isCompressed: otlp(env, "COMPRESSION") === "gzip",
    timeout: millis(positive(otlp(env, "TIMEOUT"), 10_000)),
    delay: millis(positive(variable(env, "OTEL_BSP_SCHEDULE_DELAY"), 5_000)),
    maxQueue: positive(variable(env, "OTEL_BSP_MAX_QUEUE_SIZE"), 2_048),
    files: {
      rootCA: otlp(env, "CERTIFICATE"),
      certificate: otlp(env, "CLIENT_CERTIFICATE"),
      key: otlp(env, "CLIENT_KEY"),
    },
  };
}

/** The variable of traces, else that of all signals. */
const otlp = (env: Env, name: string): string =>
  variable(env, `OTEL_EXPORTER_OTLP_TRACES_${name}`) || variable(env, `OTEL_EXPORTER_OTLP_${name}`);

/** Traces are on where there is an address for them; the variable for all signals holds one without the path. */
function endpointFrom(env: Env): string | undefined {
  if (variable(env, "OTEL_SDK_DISABLED").toLowerCase() === "true") return undefined;
  if (!["", "otlp"].includes(variable(env, "OTEL_TRACES_EXPORTER"))) return undefined;
  const traces = variable(env, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
  const all = variable(env, "OTEL_EXPORTER_OTLP_ENDPOINT");
  return traces || (all === "" ? undefined : `${all.replace(/\/+$/, "")}/v1/traces`);
}

function isHttp(address: string): boolean {
  const url = URL.parse(address);
  return url?.protocol === "http:" || url?.protocol === "https:";
}

/** `name=value,name=value`, percent-encoded, as in W3C Baggage. Undefined: something else. */
function readPairs(text: string): Readonly<Record<string, string>> | undefined {
  const pairs = text
    .split(",")
    .map((pair) => pair.trim())
    .filter((pair) => pair !== "")
    .map((pair) => /^([\w!#$%&'*+.^`|~/-]+)\s*=\s*([^\p{Cc}]*)$/u.exec(pair));
  if (pairs.some((pair) => pair === null)) return undefined;
  try {
    return Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? "", decodeURIComponent(pair?.[2] ?? "")]));
  } catch {
    return undefined;
  }
}

type Sampler = Pick<TracesConfig, "sampleRatio" | "followsCaller">;

/** `parentbased_traceidratio` and its kin. Undefined: not one of them. */
function readSampler(env: Env, ratio: number | undefined): Sampler | undefined {
  const [, based = "", name] =
    /^(parentbased_)?(always_on|always_off|traceidratio)$/.exec(
      variable(env, "OTEL_TRACES_SAMPLER") || "parentbased_always_on",
    ) ?? [];
  if (name === undefined) return undefined;
  const followsCaller = based !== "";
  if (ratio !== undefined) return { sampleRatio: ratio, followsCaller };
  const argument = Number(variable(env, "OTEL_TRACES_SAMPLER_ARG") || "1");
  if (name === "traceidratio" && !(argument >= 0 && argument <= 1)) return undefined;
  return { sampleRatio: { always_on: 1, always_off: 0, traceidratio: argument }[name] ?? 1, followsCaller };
}

/** A number above zero as the variables have it, else what holds without one. */
function positive(text: string, fallback: number): number {
  const value = Number(text);
  return Number.isInteger(value) && value > 0 ? value : fallback;
}
