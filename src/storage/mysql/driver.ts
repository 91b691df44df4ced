import { type Connection, createConnection, type ResultSetHeader, type RowDataPacket, type SslOptions } from "mysql2";
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

export interface MysqlAddress {
  /** A path is a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: Secret;
  readonly database: string;
  /** Milliseconds. */
  readonly connectTimeout: number;
  /** Tried in order. */
  readonly tls: readonly (SslOptions | false)[];
}

export const mysqlDriver = (address: MysqlAddress): SqlDriver => ({
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

/**
 * Strict, but with room for the zero dates in what Dex wrote. Read committed: no lock on what is not there. What
 * waits for a row ten seconds fails.
 */
const session =
  "set session sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION', session innodb_lock_wait_timeout = 8";

async function connectOnce(address: MysqlAddress, ssl: SslOptions | false): Promise<SqlConnection> {
  const { host, port, user, password, database, connectTimeout } = address;
  const client = createConnection({
    ...(host.startsWith("/") ? { socketPath: host } : { host, port }),
    user,
    password: password.reveal(),
    database,
    connectTimeout,
    charset: "utf8mb4",
    // Text and numbers as they are: a time with its zeros, a count that fits.
    dateStrings: true,
    rowsAsArray: true,
    enableKeepAlive: true,
    ...(ssl === false ? {} : { ssl }),
  });
  const connection = new MysqlConnection(client);
  try {
    await new Promise<void>((resolve, reject) => client.connect((error) => (error ? reject(error) : resolve())));
    await connection.script("set session transaction isolation level read committed");
    await connection.script(session);
    return connection;
  } catch (error) {
    await connection.close();
    throw error instanceof SqlFault ? error : new SqlFault(connectFault(error), messageOf(error), { cause: error });
  }
}

class MysqlConnection implements SqlConnection {
  readonly #client: Connection;
  isBroken = false;

  constructor(client: Connection) {
    this.#client = client;
    // Without a listener a database that restarts would end the process.
    client.on("error", () => {
      this.isBroken = true;
    });
    client.on("end", () => {
      this.isBroken = true;
    });
  }

  run({ sql, cells }: Query): Promise<Result> {
    return new Promise((resolve, reject) => {
      const values = cells.map((cell) => (cell instanceof Uint8Array ? Buffer.from(cell) : cell));
      this.#client.execute<RowDataPacket[][] | ResultSetHeader>({ sql, values, rowsAsArray: true }, (error, result) => {
        if (error !== null) reject(this.#fault(error));
        else if (areRows(result)) resolve({ rows: result, changes: 0 });
        else if ("affectedRows" in result) resolve({ rows: [], changes: Number(result.affectedRows) });
      });
    });
  }

  script(sql: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#client.query(sql, (error) => (error === null ? resolve() : reject(this.#fault(error))));
    });
  }

  async close(): Promise<void> {
    this.isBroken = true;
    this.#client.destroy();
  }

  #fault(error: unknown): SqlFault {
    const kind = faultOf(error);
    if (kind === "lost" || kind === "away") this.isBroken = true;
    // An error of the server quotes keys, and the statement, which no log may hold.
    return new SqlFault(kind, messageOf(error), hasState(error) ? {} : { cause: error });
  }
}

const areRows = (result: unknown): result is Cell[][] => Array.isArray(result);

const numberOf = (error: unknown): number =>
  error instanceof Error && "errno" in error && typeof error.errno === "number" ? error.errno : 0;

const hasState = (error: unknown): boolean => error instanceof Error && "sqlState" in error;

/** The database's words without the values that it quotes. */
function messageOf(error: unknown): string {
  if (numberOf(error) === duplicate) return "duplicate key";
  const message = error instanceof Error ? error.message.replace(/value: '.*?'/gs, "value") : "";
  return message === "" ? "the database failed" : message;
}

const duplicate = 1062;
const duplicateNamed = 1586;

/** Lock wait timeout, deadlock, a record that changed since it was read (MariaDB), a replica that lags behind (Galera). */
const conflicts: ReadonlySet<number> = new Set([1205, 1213, 1020, 1317]);

/** Too many connections, read-only, shutting down before it began, out of memory, disk or locks. */
const absences: ReadonlySet<number> = new Set([
  1040, 1203, 1226, 1290, 1792, 1836, 1041, 1021, 1037, 1038, 1114, 1206, 1047,
]);

/** Shutdown in progress, connection killed: it may have been applied before. */
const losses: ReadonlySet<number> = new Set([1053, 1927, 3169, 4031, 1152, 1158, 1159, 1160, 1161]);

/** What an error number says of the statement. MySQL reference, server error messages; MariaDB error codes. */
export function faultOf(error: unknown): FaultKind {
  // An error of the server has a number and a state; everything else is the connection's.
  if (!hasState(error)) return "lost";
  const number = numberOf(error);
  if (number === duplicate || number === duplicateNamed) return "taken";
  if (conflicts.has(number)) return "conflict";
  if (absences.has(number)) return "away";
  return losses.has(number) ? "lost" : "refused";
}

/** Before there is a connection nothing can have been applied: who answers at all refuses us, else nobody is there. */
function connectFault(error: unknown): FaultKind {
  if (hasState(error)) return faultOf(error) === "refused" ? "refused" : "away";
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const isTls = /SSL|certificate|self.signed|CERT|ERR_TLS|secure connection/i.test(`${code} ${messageOf(error)}`);
  return isTls ? "refused" : "away";
}
