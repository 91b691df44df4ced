import { readFileSync } from "node:fs";
import type { TracesConfig } from "../config/read-traces.ts";
import { Secret } from "../kernel/secret.ts";
import { createUpstreams, type UpstreamOptions } from "../kernel/upstream-fetch.ts";
import type { Traces } from "../telemetry/traces.ts";
import type { ServerDeps } from "./server-deps.ts";

/** Loads OpenTelemetry and sends traces from now on. @throws {Error} A file of its TLS settings cannot be read. */
export async function openTraces(
  config: TracesConfig,
  excludeFields: readonly string[],
  version: string,
  { random, logger, env }: ServerDeps,
): Promise<Traces> {
  const { openTraces: open } = await import("../telemetry/traces.ts");
  const closing = new AbortController();
  const caller = { dependency: "traces", closing: closing.signal };
  const fetch = createUpstreams(env)({ ...tlsOf(config), deadline: config.timeout, maxBody: 64 * 1024 }, caller);
  const traces = open({ ...config, excludeFields, version, random, logger, fetch });
  return {
    ...traces,
    async close() {
      await traces.close();
      closing.abort();
    },
  };
}

function tlsOf({ files: { rootCA, certificate, key } }: TracesConfig): UpstreamOptions {
  const read = (path: string): string => readFileSync(path, "utf8");
  return {
    ...(rootCA === "" ? {} : { rootCAs: [read(rootCA)] }),
    ...(certificate === "" ? {} : { clientCertificate: { cert: read(certificate), key: new Secret(read(key)) } }),
  };
}
