/**
 * PostgreSQL, in Dex's own tables. Every verb is one statement on a bounded pool; an update is a compare-and-swap on
 * the row's last writer, so nothing needs a long transaction or a special isolation.
 */
import { z } from "zod";
import type { Storage, StorageDeps, StorageType } from "../contract.ts";
import { entLayout } from "../shared/sql/ent-layout.ts";
import { hostAndPort } from "../shared/sql/host-and-port.ts";
import { inspectServer } from "../shared/sql/inspect-server.ts";
import { flatLayout } from "../shared/sql/layout.ts";
import { openSqlServer, type SqlServer } from "../shared/sql/open-server.ts";
import { connectTimeoutOf, limitsOf, serverConfig, sslFiles, statementTimeout } from "../shared/sql/server-config.ts";
import { postgresDialect } from "./dialect.ts";
import { postgresDriver } from "./driver.ts";
import { tlsChoices } from "./tls.ts";

const modes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;

const config = z.object({
  ...serverConfig,
  ssl: z
    .object({
      ...sslFiles,
      mode: z
        .enum(modes)
        .or(z.literal("").transform(() => "verify-full" as const))
        .default("verify-full"),
    })
    .prefault({}),
});

export type PostgresConfig = z.output<typeof config>;

export const postgres: StorageType<PostgresConfig> = {
  type: "postgres",
  config,
  open: openPostgres,
  inspect: async (settings, deps) => inspectServer(await serverOf(settings), deps),
};

/** @throws {UnavailableError} Nobody answers. @throws {Error} The server refuses us. */
export async function openPostgres(settings: PostgresConfig, deps: StorageDeps): Promise<Storage> {
  return openSqlServer(await serverOf(settings), deps);
}

/** @throws {Error} A file cannot be read. */
async function serverOf(settings: PostgresConfig): Promise<SqlServer> {
  const { host, port } = hostAndPort(settings.host, settings.port);
  const { user, password, database, ssl } = settings;
  const tls = await tlsChoices(ssl.mode, ssl, host === "" ? "localhost" : host);
  const connectTimeout = connectTimeoutOf(settings);
  const driver = postgresDriver({ host, port, user, password, database, connectTimeout, statementTimeout, tls });
  return {
    driver,
    dialect: postgresDialect,
    layout: settings.ent ? entLayout : flatLayout,
    limits: limitsOf(settings),
  };
}
