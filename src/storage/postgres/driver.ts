import { createHash } from "node:crypto";
import type { ConnectionOptions } from "node:tls";
import pg from "pg";
import type { Secret } from "../../kernel/secret.ts";
import {
  type Cell,
  type FaultKind,
  type Query,
  type Result,
  type SqlConnection,
  type SqlDriver,
  SqlFault,
} from "../shared/sql/driver.ts";
import { RepeatedQuery } from "./repeated-query.ts";

export interface PostgresAddress {
  /** Empty fields: the driver's usual ones, from the environment or the machine. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: Secret;
  readonly database: string;
  /** Milliseconds. */
  readonly connectTimeout: number;
  readonly statementTimeout: number;
  /** Tried in order. */
  readonly tls: readonly (ConnectionOptions | false)[];
}

export const postgresDriver = (address: PostgresAddress): SqlDriver => ({
  async connect() {
    let fault: unknown;
    for (const ssl of address.tls) {
      try {
        return await connectOnce(address, ssl);
      } catch (error) {
        fault ??= error;
      }
    }
    throw fault;
  },
});

async function connectOnce(address: PostgresAddress, ssl: ConnectionOptions | false): Promise<SqlConnection> {
  const { host, port, user, password, database, connectTimeout, statementTimeout } = address;
  const client = new pg.Client({
    ...(host === "" ? {} : { host }),
    ...(port === 0 ? {} : { port }),
    ...(user === "" ? {} : { user }),
    ...(password.reveal() === "" ? {} : { password: password.reveal() }),
    ...(database === "" ? {} : { database }),
    connectionTimeoutMillis: connectTimeout,
    keepAlive: true,
    application_name: "dex",
    ssl,
    types: { getTypeParser: parserOf },
  });
  const connection = new PostgresConnection(client);
  try {
    await client.connect();
    // Not as parameters of the start: poolers in between refuse those they do not know.
    await connection.script(`set timezone = 'UTC'; set statement_timeout = ${statementTimeout}`);
    return connection;
  } catch (error) {
    await connection.close();
    throw error instanceof SqlFault ? error : new SqlFault(connectFault(error), messageOf(error), { cause: error });
  }
}

class PostgresConnection implements SqlConnection {
  readonly #client: pg.Client;
  /** How the columns of statements are read that it has answered, by their names. */
  readonly #known = new Map<string, readonly ((text: string) => Cell)[]>();
  isBroken = false;

  constructor(client: pg.Client) {
    this.#client = client;
    // Without a listener a database that restarts would end the process.
    client.on("error", () => {
      this.isBroken = true;
    });
    client.on("end", () => {
      this.isBroken = true;
    });
  }

  async run({ sql, cells }: Query): Promise<Result> {
    const name = statementName(sql);
    const parsers = this.#known.get(name);
    try {
      if (parsers !== undefined) return await RepeatedQuery.run(this.#client, { name, cells, parsers });
      const values = [...cells];
      const answer = await this.#client.query<Cell[]>({ name, text: sql, values, rowMode: "array" });
      const { rows, rowCount, fields } = answer;
      this.#known.set(
        name,
        fields.map(({ dataTypeID }) => parserOf(dataTypeID)),
      );
      return { rows, changes: rowCount ?? 0 };
    } catch (error) {
      throw this.#fault(error);
    }
  }

  async script(sql: string): Promise<void> {
    try {
      await this.#client.query(sql);
    } catch (error) {
      throw this.#fault(error);
    }
  }

  async close(): Promise<void> {
    this.isBroken = true;
    // It ends by itself where the server is gone already.
    await this.#client.end().catch(() => {});
  }

  #fault(error: unknown): SqlFault {
    const kind = faultOf(error);
    if (kind === "lost" || kind === "away") this.isBroken = true;
    // An error of the server quotes keys in its details, which no log may hold.
    return new SqlFault(kind, messageOf(error), error instanceof pg.DatabaseError ? {} : { cause: error });
  }
}

/** One name per text, the same in every process: a pooler may hand our statements to another of our replicas. */
const names = new Map<string, string>();

function statementName(sql: string): string {
  const known = names.get(sql);
  if (known !== undefined) return known;
  const name = `dex_${createHash("sha256").update(sql).digest("hex").slice(0, 24)}`;
  names.set(sql, name);
  return name;
}

const asText = (text: string): string => text;

/** By type; everything else stays text, a time with its microseconds. */
const parsers: ReadonlyMap<number, (text: string) => Cell> = new Map<number, (text: string) => Cell>([
  [pg.types.builtins.BOOL, (text) => text === "t"],
  [pg.types.builtins.BYTEA, (text) => Buffer.from(text.slice(2), "hex")],
  [pg.types.builtins.INT2, Number],
  [pg.types.builtins.INT4, Number],
  [pg.types.builtins.INT8, Number],
]);

const parserOf = (oid: number): ((text: string) => Cell) => parsers.get(oid) ?? asText;

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";

/** The database's words. Its `detail`, which quotes keys, stays out. */
const messageOf = (error: unknown): string =>
  error instanceof Error && error.message !== "" ? error.message : codeOf(error) || "the database failed";

/** What an SQLSTATE says of the statement. PostgreSQL manual, appendix A. */
export function faultOf(error: unknown): FaultKind {
  const code = codeOf(error);
  if (!(error instanceof pg.DatabaseError)) return "lost";
  if (code === "23505") return "taken";
  // serialization_failure, deadlock_detected, lock_not_available
  if (["40001", "40P01", "55P03"].includes(code)) return "conflict";
  // read_only_sql_transaction: what we are connected to is no longer the primary.
  if (code === "25006" || code === "57P03" || code.startsWith("53") || code.startsWith("58")) return "away";
  // admin_shutdown, crash_shutdown, connection exceptions: it may have been applied before.
  if (["57P01", "57P02", "57P05"].includes(code) || code.startsWith("08")) return "lost";
  // query_canceled: our own time limit, and nothing was applied.
  if (code === "57014") return "away";
  return "refused";
}

/** Before there is a connection nothing can have been applied: who answers at all refuses us, else nobody is there. */
function connectFault(error: unknown): FaultKind {
  if (error instanceof pg.DatabaseError) {
    const kind = faultOf(error);
    return kind === "refused" ? "refused" : "away";
  }
  const code = codeOf(error);
  const isTls = /SSL|certificate|self.signed|CERT|ERR_TLS/i.test(`${code} ${messageOf(error)}`);
  return isTls ? "refused" : "away";
}
