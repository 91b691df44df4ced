import { availableParallelism } from "node:os";
import type { Decision, Observer, Rpc } from "../kernel/ports.ts";
import { lockoutMetrics } from "./lockout-metrics.ts";
import { processMetrics } from "./process-metrics.ts";
import { reloadMetrics } from "./reload-metrics.ts";

/** One answered HTTP request: see `http/`, which has the same type. */
export interface HttpObservation {
  readonly route: string;
  readonly method: string;
  readonly status: number;
  /** Milliseconds. */
  readonly took: number;
  readonly bytes: number;
}

/** What is read when somebody asks for the metrics. Undefined: there is none, or it is not known. */
export interface Readings {
  /** Passwords that wait to be compared. */
  bcryptWaiting(): number | undefined;
  /** When the certificate of each listener ends, by its name. */
  certificateEnds(): Readonly<Record<string, Date | undefined>>;
  /** When the next signing key takes over, milliseconds since the epoch, and the age of the present one. */
  signingKey(): Promise<{ readonly age: number; readonly nextRotation: number } | undefined>;
  /** Whether each check of health passes, by name. */
  health(): Promise<Readonly<Record<string, boolean>>>;
}

export interface Metrics extends Observer {
  answered(observation: HttpObservation): void;
  /** In Prometheus' text format. */
  expose(): Promise<{ readonly type: string; readonly text: string }>;
}

export interface BuildInfo {
  readonly version: string;
  /** "linux/amd64". */
  readonly platform: string;
  /** "v24.1.0". */
  readonly runtime: string;
}

/** compat(dex): the methods that have a name; all others are one series, or strangers could make any number. */
const methods: ReadonlySet<string> = new Set([
  ...["GET", "PUT", "HEAD", "POST", "DELETE", "CONNECT", "OPTIONS", "NOTIFY", "TRACE", "PATCH"],
]);

/** As Go writes them. */
const rpcCodes = [
  ...["OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists"],
  ...["PermissionDenied", "Unauthenticated", "ResourceExhausted", "FailedPrecondition", "Aborted", "OutOfRange"],
  ...["Unimplemented", "Internal", "Unavailable", "DataLoss"],
];

/** compat(dex): the first four; the small ones tell a fast server from a very fast one. */
const httpSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const dependencySeconds = [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Dex's metrics under Dex's names, and those that it has not, which begin with `dex_`. */
export async function createMetrics(build: BuildInfo, readings: Readings): Promise<Metrics> {
  const { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } = await import("prom-client");
  const registers = [new Registry()];
  const [registry] = registers;
  if (registry === undefined) throw new Error("no registry");
  const counter = (name: string, help: string, labelNames: readonly string[]) =>
    new Counter({ name, help, labelNames: [...labelNames], registers });
  const gauge = (name: string, help: string, collect: () => Promise<number | undefined> | number | undefined) =>
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        const value = await collect();
        if (value === undefined) this.remove();
        else this.set(value);
      },
    });
  const seconds = (name: string, help: string, labelNames: readonly string[]) =>
    new Histogram({ name, help, labelNames: [...labelNames], buckets: dependencySeconds, registers });

  collectDefaultMetrics({ register: registry });
  processMetrics(registry, build.runtime, { Counter, Gauge });
  new Gauge({
    name: "dex_build_info",
    help: "A metric with a constant '1' value labeled by version, runtime and platform.",
    labelNames: ["version", "go_version", "platform"],
    registers,
    // compat(dex): the label keeps its name; dashboards show it.
  }).set({ version: build.version, go_version: `node${build.runtime}`, platform: build.platform }, 1);
  gauge("go_sched_gomaxprocs_threads", "Cores that may be used.", () => availableParallelism());

  const http = ["code", "method", "handler"];
  const requests = counter("http_requests_total", "Count of all HTTP requests.", http);
  const durations = new Histogram({
    name: "request_duration_seconds",
    help: "A histogram of latencies for requests.",
    labelNames: http,
    buckets: httpSeconds,
    registers,
  });
  const sizes = new Histogram({
    name: "response_size_bytes",
    help: "A histogram of response sizes for requests.",
    labelNames: http,
    buckets: [200, 500, 900, 1500],
    registers,
  });

  const decisions = counter("dex_decisions_total", "Checks of requests, by outcome; docs/reference/checks.md.", [
    "check",
    "outcome",
  ]);
  const logins = counter("dex_logins_total", "Logins at a connector, by outcome.", ["connector", "outcome"]);
  const grants = counter("dex_token_requests_total", "Token requests, by grant and outcome: issued, or the error.", [
    "grant_type",
    "outcome",
  ]);
  const refreshes = counter("dex_refresh_total", "Uses of refresh tokens, by outcome.", ["outcome"]);
  const lockouts = lockoutMetrics({ Counter, Gauge }, registers);
  const storage = seconds("dex_storage_operation_duration_seconds", "Calls of the database.", ["kind", "operation"]);
  const storageErrors = counter("dex_storage_errors_total", "Calls of the database that failed.", [
    "kind",
    "operation",
  ]);
  const upstream = seconds("dex_upstream_request_duration_seconds", "HTTP calls to upstreams and clients.", [
    "dependency",
    "status",
  ]);
  const connectors = new Gauge({
    name: "dex_connector_up",
    help: "1 where a connector can be used, 0 while it does not open or its upstream does not answer.",
    labelNames: ["connector"],
    registers,
  });
  const garbage = counter("dex_garbage_collected_total", "Expired records that were deleted.", ["kind"]);
  const reloads = reloadMetrics({ Counter, Gauge }, registers);
  const rpc = ["grpc_type", "grpc_service", "grpc_method"];
  const started = counter("grpc_server_started_total", "Total number of RPCs started on the server.", rpc);
  const handled = counter(
    "grpc_server_handled_total",
    "Total number of RPCs completed on the server, regardless of success or failure.",
    [...rpc, "grpc_code"],
  );
  const handling = new Histogram({
    name: "grpc_server_handling_seconds",
    help: "How long the server took for an RPC.",
    labelNames: rpc,
    buckets: dependencySeconds,
    registers,
  });
  const received = counter("grpc_server_msg_received_total", "Total number of RPC stream messages received.", rpc);
  const sent = counter("grpc_server_msg_sent_total", "Total number of gRPC stream messages sent by the server.", rpc);

  gauge("dex_bcrypt_waiting", "Passwords that wait to be compared.", readings.bcryptWaiting);
  new Gauge({
    name: "dex_certificate_expiry_timestamp_seconds",
    help: "When the certificate of a listener ends.",
    labelNames: ["listener"],
    registers,
    collect() {
      for (const [listener, end] of Object.entries(readings.certificateEnds()))
        if (end !== undefined) this.set({ listener }, end.getTime() / 1000);
    },
  });
  gauge("dex_signing_key_age_seconds", "Age of the key that signs.", async () => {
    const key = await readings.signingKey();
    return key === undefined ? undefined : key.age / 1000;
  });
  gauge("dex_signing_key_next_rotation_timestamp_seconds", "When the next key begins to sign.", async () => {
    const key = await readings.signingKey();
    return key === undefined ? undefined : key.nextRotation / 1000;
  });
  new Gauge({
    name: "dex_health_check",
    help: "1 while the check passes, else 0.",
    labelNames: ["check"],
    registers,
    async collect() {
      for (const [check, passes] of Object.entries(await readings.health())) this.set({ check }, passes ? 1 : 0);
    },
  });

  const labelsOf = ({ type, service, method }: Rpc) => ({
    grpc_type: type,
    grpc_service: service,
    grpc_method: method,
  });
  return {
    answered({ route, method, status, took, bytes }) {
      const labels = {
        code: String(status),
        method: methods.has(method) ? method.toLowerCase() : "unknown",
        handler: route === "" ? "/" : route,
      };
      requests.inc(labels);
      durations.observe(labels, took / 1000);
      sizes.observe(labels, bytes);
    },
    decided({ check, outcome, because, about = {} }) {
      decisions.inc({ check, outcome });
      if (check === "connector.login") {
        const connector = String(about.connector_id ?? "");
        logins.inc({ connector, outcome: outcome === "pass" ? "success" : reasonLabel(because) });
      } else if (check === "token.answered") {
        const outcomeLabel = outcome === "pass" ? "issued" : String(about.error ?? "server_error");
        grants.inc({ grant_type: String(about.grant_type ?? ""), outcome: outcomeLabel });
        if (about.grant_type === "refresh_token" && outcome === "pass") refreshes.inc({ outcome: "success" });
      } else if (check.startsWith("refresh.") && (outcome === "fail" || check === "refresh.reuse")) {
        refreshes.inc({ outcome: check.slice("refresh.".length) });
      }
      lockouts(check, about);
    },
    stored(kind, operation, took, isOk) {
      storage.observe({ kind, operation }, took / 1000);
      if (!isOk) storageErrors.inc({ kind, operation });
    },
    called(dependency, status, took) {
      upstream.observe({ dependency, status: status === 0 ? "none" : String(status) }, took / 1000);
    },
    reached(connector, isThere) {
      if (isThere === undefined) connectors.remove({ connector });
      else connectors.set({ connector }, Number(isThere));
    },
    collected(deleted) {
      for (const [kind, count = 0] of Object.entries(deleted)) if (count > 0) garbage.inc({ kind }, count);
    },
    reloaded: reloads,
    rpcServed(call) {
      // compat(dex): there from the start, at 0, so that the first failure is an increase.
      const labels = labelsOf(call);
      for (const each of [started, received, sent]) each.inc(labels, 0);
      for (const code of rpcCodes) handled.inc({ ...labels, grpc_code: code }, 0);
    },
    rpcStarted(call) {
      started.inc(labelsOf(call));
      received.inc(labelsOf(call));
    },
    rpcHandled(call, code, took) {
      handling.observe(labelsOf(call), took / 1000);
      handled.inc({ ...labelsOf(call), grpc_code: code });
      if (code === "OK") sent.inc(labelsOf(call));
    },
    expose: async () => ({ type: registry.contentType, text: await registry.metrics() }),
  };
}

/** Reasons of connectors are words with underscores; anything else is a sentence, of which there may be any number. */
const reasonLabel = (because: Decision["because"]): string => (/^[a-z_]{1,40}$/.test(because) ? because : "failed");
