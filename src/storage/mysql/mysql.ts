/**
 * MySQL and MariaDB, in Dex's own tables. Every verb is one statement on a bounded pool; an update is a
 * compare-and-swap on a hash of the row, so nothing needs a long transaction or a special isolation.
 */
import { z } from "zod";
import type { Storage, StorageDeps, StorageType } from "../contract.ts";
import { entLayout } from "../shared/sql/ent-layout.ts";
import { hostAndPort } from "../shared/sql/host-and-port.ts";
import { inspectServer } from "../shared/sql/inspect-server.ts";
import { flatLayout } from "../shared/sql/layout.ts";
import { openSqlServer, type SqlServer } from "../shared/sql/open-server.ts";
import { connectTimeoutOf, limitsOf, serverConfig, sslFiles } from "../shared/sql/server-config.ts";
import { mysqlDialect } from "./dialect.ts";
import { mysqlDriver } from "./driver.ts";
import { tlsChoices } from "./tls.ts";

const modes = ["true", "false", "skip-verify", "preferred", "custom"] as const;

const config = z.object({
  ...serverConfig,
  ssl: z
    .object({
      ...sslFiles,
      mode: z
        .enum(modes)
        .or(z.literal("").transform(() => "true" as const))
        .default("true"),
    })
    .prefault({}),
});

export type MysqlConfig = z.output<typeof config>;

export const mysql: StorageType<MysqlConfig> = {
  type: "mysql",
  config,
  open: openMysql,
  inspect: async (settings, deps) => inspectServer(await serverOf(settings), deps),
};

/** @throws {UnavailableError} Nobody answers. @throws {Error} The server refuses us. */
export async function openMysql(settings: MysqlConfig, deps: StorageDeps): Promise<Storage> {
  return openSqlServer(await serverOf(settings), deps);
}

/** @throws {Error} A file cannot be read. */
async function serverOf(settings: MysqlConfig): Promise<SqlServer> {
  const { host, port } = hostAndPort(settings.host === "" ? "127.0.0.1" : settings.host, settings.port);
  const { user, password, database, ssl } = settings;
  const tls = await tlsChoices(ssl.mode, ssl, host.startsWith("/"));
  const connectTimeout = connectTimeoutOf(settings);
  const driver = mysqlDriver({ host, port: port === 0 ? 3306 : port, user, password, database, connectTimeout, tls });
  return { driver, dialect: mysqlDialect, layout: settings.ent ? entLayout : flatLayout, limits: limitsOf(settings) };
}
