import { type Cidr, parseCidr } from "../kernel/addresses.ts";
import { quoteGo } from "../kernel/go-quote.ts";
import { type Millis, millis } from "../kernel/ports.ts";
import type { StorageConfig } from "./read-storage.ts";
import { readTraces, type TracesConfig } from "./read-traces.ts";
import { invalidValue, type Reading, readDuration, reasonOf } from "./reading.ts";

export type TlsVersion = "1.2" | "1.3";

export interface WebConfig {
  readonly http?: string;
  readonly https?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsMinVersion: TlsVersion;
  /** Absent: the newest supported. */
  readonly tlsMaxVersion?: TlsVersion;
  /** Only those that are set, by their usual spelling. */
  readonly headers: Readonly<Record<string, string>>;
  /** Empty: CORS is off. */
  readonly allowedOrigins: readonly string[];
  readonly allowedHeaders: readonly string[];
  readonly clientRemoteIP: { readonly header?: string; readonly trustedProxies: readonly Cidr[] };
  /** Threads that serve the same addresses. Absent: as many as are of use. */
  readonly workers?: number;
  /** Between the signal to stop and the moment nobody new gets in. */
  readonly shutdownDelay: Millis;
}

export interface TelemetryConfig {
  readonly http?: string;
  readonly enableProfiling: boolean;
  /** Absent: nobody collects them. */
  readonly traces?: TracesConfig;
}

export interface GrpcConfig {
  readonly addr?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCA?: string;
  readonly tlsMinVersion: TlsVersion;
  readonly tlsMaxVersion?: TlsVersion;
  readonly reflection: boolean;
}

export function readWeb(reading: Reading, storage: StorageConfig | undefined): WebConfig {
  const workers = readWorkers(reading, storage);
  const { web } = reading.file;
  return {
    ...given({ http: web.http, https: web.https, tlsCert: web.tlsCert, tlsKey: web.tlsKey }),
    ...tlsVersions(web),
    headers: given(web.headers),
    allowedOrigins: web.allowedOrigins,
    allowedHeaders: web.allowedHeaders.length > 0 ? web.allowedHeaders : ["Authorization"],
    clientRemoteIP: readClientRemoteIp(reading),
    ...(workers === undefined ? {} : { workers }),
    shutdownDelay:
      readDuration(
        reading.findings,
        "web.shutdownDelay",
        web.shutdownDelay,
        invalidValue(web.shutdownDelay, "shutdown delay"),
      ) ?? millis(0),
  };
}

/** What lives in the memory of one thread is nothing that others could share. */
function readWorkers({ file, findings }: Reading, storage: StorageConfig | undefined): number | undefined {
  const { workers } = file.web;
  if (workers > 1 && storage !== undefined && isOfOneThread(storage)) {
    findings.refuse(
      "setup",
      "web.workers",
      `several workers cannot share what storage.type ${storage.type} keeps in memory`,
      {
        hint: "1, or a storage outside of the process",
      },
    );
  }
  return workers === 0 ? undefined : workers;
}

const isOfOneThread = (storage: StorageConfig): boolean =>
  storage.type === "memory" ||
  (storage.type === "sqlite3" && /^$|^:memory:$|[?&]mode=memory(&|$)/.test(storage.config.file));

function readClientRemoteIp({ file, findings }: Reading): WebConfig["clientRemoteIP"] {
  const { header, trustedProxies } = file.web.clientRemoteIP;
  const ranges = trustedProxies.flatMap((range, index) => {
    try {
      return [parseCidr(range)];
    } catch (error) {
      findings.refuse(
        "setup",
        `web.clientRemoteIP.trustedProxies[${index}]`,
        `failed to parse client remote IP settings: failed to parse CIDR ${quoteGo(range)}: ${reasonOf(error)}`,
        /\//.test(range) ? {} : { hint: `a range, for one address ${range}${range.includes(":") ? "/128" : "/32"}` },
      );
      return [];
    }
  });
  if (header !== "" && trustedProxies.length === 0) {
    findings.warn(
      "web.clientRemoteIP.header",
      "web.clientRemoteIP.header is set without web.clientRemoteIP.trustedProxies; the header is ignored because any client could spoof it",
      { fields: { header } },
    );
  }
  return { ...given({ header }), trustedProxies: ranges };
}

export function readTelemetry(reading: Reading): TelemetryConfig {
  const { http, enableProfiling } = reading.file.telemetry;
  const traces = readTraces(reading);
  return { ...given({ http }), enableProfiling, ...(traces === undefined ? {} : { traces }) };
}

export function readGrpc({ file }: Reading): GrpcConfig {
  const { grpc } = file;
  const { addr, tlsCert, tlsKey, tlsClientCA, reflection } = grpc;
  return { ...given({ addr, tlsCert, tlsKey, tlsClientCA }), ...tlsVersions(grpc), reflection };
}

/** The texts that are not empty. */
export function given<Key extends string>(
  texts: Readonly<Record<Key, string>>,
): Partial<Readonly<Record<Key, string>>> {
  const present: Partial<Record<Key, string>> = {};
  for (const key in texts) if (texts[key] !== "") present[key] = texts[key];
  return present;
}

const isTlsVersion = (text: string): text is TlsVersion => text === "1.2" || text === "1.3";

function tlsVersions(section: {
  readonly tlsMinVersion: string;
  readonly tlsMaxVersion: string;
}): Pick<WebConfig, "tlsMinVersion" | "tlsMaxVersion"> {
  const { tlsMinVersion: min, tlsMaxVersion: max } = section;
  return { tlsMinVersion: isTlsVersion(min) ? min : "1.2", ...(isTlsVersion(max) ? { tlsMaxVersion: max } : {}) };
}
