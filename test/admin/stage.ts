/** A whole server with its gRPC API on a free port, and clients of it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { loadConfig } from "../../src/config/config.ts";
import { levels } from "../../src/kernel/log-level.ts";
import { createLogger } from "../../src/kernel/logger.ts";
import { systemClock, systemRandom } from "../../src/kernel/system.ts";
import { type AdminClient, type AdminTarget, openAdminClient } from "../../src/server/admin-client.ts";
import { startServer } from "../../src/server/server.ts";

export interface AdminStage {
  readonly grpc: string;
  readonly http: string;
  /** Of `telemetry.http`; empty without one. */
  readonly telemetry: string;
  readonly client: AdminClient;
  readonly log: readonly string[];
  /** One more client, closed with the stage. */
  connect(target: Partial<AdminTarget>): AdminClient;
  reload(): Promise<void>;
  close(): Promise<void>;
}

export const allFlags = { DEX_API_CONNECTORS_CRUD: "true", DEX_API_SESSIONS_IDENTITIES_CRUD: "true" };

/** `file`: sections of the configuration beside the defaults. */
export async function startAdminStage(
  file: Readonly<Record<string, unknown>> = {},
  env: Readonly<Record<string, string>> = allFlags,
  tls?: AdminTarget["tls"],
): Promise<AdminStage> {
  const config = {
    issuer: "http://127.0.0.1:5556/dex",
    storage: { type: "memory" },
    web: { http: "127.0.0.1:0" },
    grpc: { addr: "127.0.0.1:0" },
    oauth2: { skipApprovalScreen: true, responseTypes: ["code", "id_token"], passwordConnector: "local" },
    enablePasswordDB: true,
    connectors: [{ type: "mockCallback", id: "mock", name: "Mock" }],
    ...file,
  };
  const loaded = await loadConfig(stringify(config), { env });
  if (!loaded.ok) throw new Error(loaded.mistakes.map(({ path, message }) => `${path}: ${message}`).join("\n"));
  const log: string[] = [];
  const write = (line: string): void => void log.push(line);
  const logger = createLogger({ level: levels.debug, format: "json", excludeFields: [], write, clock: systemClock });
  const stop = new AbortController();
  const running = await startServer(loaded.config, {
    clock: systemClock,
    random: systemRandom,
    logger,
    env,
    signal: stop.signal,
  });
  const grpc = running.addresses.grpc ?? "";
  const clients: AdminClient[] = [];
  const connect = (target: Partial<AdminTarget>): AdminClient => {
    const made = openAdminClient({ address: grpc, timeout: 20_000, ...target });
    clients.push(made);
    return made;
  };
  return {
    grpc,
    http: `http://${running.addresses.http}`,
    telemetry: running.addresses.telemetry ?? "",
    client: connect(tls === undefined ? {} : { tls }),
    log,
    connect,
    async reload() {
      await running.change(async () => loaded.config, new Uint8Array());
    },
    async close() {
      for (const client of clients) client.close();
      stop.abort();
      await running.closed;
    },
  };
}

/** Where a SQLite database may lie, gone after the test. */
export function databaseFolder(t: { after(run: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), "dex-admin-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}
