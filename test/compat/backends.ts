import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { DatabaseServer } from "../peer/database-server.ts";
import { mariadbPrograms, startMariadb } from "../peer/mariadb.ts";
import { startMysql, withoutMysql } from "../peer/mysql.ts";
import { missing } from "../peer/peer.ts";
import { postgresPrograms, startPostgres } from "../peer/postgres.ts";
import { type FixtureName, fixtureFile } from "./fixtures.ts";

/** One database with a copy of a fixture in it. */
export interface Place {
  /** `storage` of a configuration file. */
  readonly storage: { readonly type: string; readonly config: object };
  /** Sets the codes' time forward: they live 30 minutes in every Dex. */
  reviveCodes(): Promise<void>;
  remove(): Promise<void>;
}

export interface RunningBackend {
  load(version: string): Promise<Place>;
  stop(): Promise<void>;
}

/** A kind of database that fixtures exist for. */
export interface Backend {
  readonly name: FixtureName;
  /** How many versions there are at least. */
  readonly count: number;
  readonly skip: string | false;
  start(): Promise<RunningBackend>;
}

const revival = (table: string): string => `update ${table} set expiry = '2036-01-01 00:00:00+00:00'`;

const sqlite = (name: "sqlite3" | "ent-sqlite3", count: number, table: string): Backend => ({
  name,
  count,
  skip: false,
  start: async () => ({
    async load(version) {
      const folder = mkdtempSync(join(tmpdir(), "dex-fixture-"));
      const file = join(folder, "dex.db");
      copyFileSync(fixtureFile(version, name), file);
      return {
        storage: { type: "sqlite3", config: { file } },
        async reviveCodes() {
          const database = new DatabaseSync(file);
          database.exec(revival(table));
          database.close();
        },
        remove: async () => rmSync(folder, { recursive: true, force: true }),
      };
    },
    stop: async () => {},
  }),
});

const postgres = (name: "postgres" | "ent-postgres", count: number, table: string): Backend => ({
  name,
  count,
  skip: missing(postgresPrograms),
  async start() {
    const peer = await startPostgres();
    return {
      async load(version) {
        const database = await peer.createDatabase(fixtureFile(version, name));
        return {
          storage: { type: "postgres", config: peer.config(database) },
          reviveCodes: async () => void (await peer.query(database, revival(table))),
          remove: async () => {},
        };
      },
      stop: () => peer.stop(),
    };
  },
});

const mysql = (skip: string | false, startPeer: () => Promise<DatabaseServer>): Backend => ({
  name: "mysql",
  count: 5,
  skip,
  async start() {
    const peer = await startPeer();
    return {
      async load(version) {
        const database = await peer.createDatabase(fixtureFile(version, "mysql"));
        return {
          storage: { type: "mysql", config: peer.config(database) },
          reviveCodes: async () =>
            void (await peer.query(database, "update auth_code set expiry = '2036-01-01 00:00:00.000'")),
          remove: async () => {},
        };
      },
      stop: () => peer.stop(),
    };
  },
});

/** By the program, or by the name of the fixtures' files where that says it. */
export const backends = {
  sqlite3: sqlite("sqlite3", 10, "auth_code"),
  postgres: postgres("postgres", 10, "auth_code"),
  mariadb: mysql(missing(mariadbPrograms), startMariadb),
  mysql: mysql(withoutMysql, startMysql),
  "ent-sqlite3": sqlite("ent-sqlite3", 2, "auth_codes"),
  "ent-postgres": postgres("ent-postgres", 2, "auth_codes"),
} as const;
