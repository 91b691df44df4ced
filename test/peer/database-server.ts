import type { TestTls } from "../fake/certificates.ts";

/** `storage.config` as both PostgreSQL and MySQL have it. */
export interface DatabaseConfig {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly ssl: { readonly mode: string };
}

/** A database server of our own, which may be killed: what was acknowledged is on disk. */
export interface DatabaseServer {
  readonly pid: number;
  readonly port: number;
  /** The Unix socket, or its folder. */
  readonly socket: string;
  readonly tls: TestTls;
  /** `storage.config` for a database of this server. */
  config(database: string): DatabaseConfig;
  /** A new database, with what `sqlFile` holds. Resolves to its name. */
  createDatabase(sqlFile?: string): Promise<string>;
  /** As the owner of everything. */
  query(database: string, sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Ends it at once, as a power cut does, and starts it again. */
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** The way in without TLS, which `mode` is the program's word for, as the user whom every server of ours has. */
export const configAt =
  (port: number, mode: string) =>
  (database: string): DatabaseConfig => ({
    host: "127.0.0.1",
    port,
    user: "dex",
    password: "dex",
    database,
    ssl: { mode },
  });
