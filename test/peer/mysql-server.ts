/**
 * A server of MySQL's family of our own: a new data folder, on a free port of 127.0.0.1 and on a Unix socket, with TLS
 * and a user that needs a client certificate. What was acknowledged is on disk, so it may be killed.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createConnection } from "mysql2/promise";
import { makeTestTls } from "../fake/certificates.ts";
import { configAt, type DatabaseServer } from "./database-server.ts";
import { freePort, type Peer, peerFolder, startPeer } from "./peer.ts";

export interface MysqlProgram {
  readonly name: string;
  /** Who it runs as, where that is not us; its folders are theirs. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  /** The command that makes an empty data folder, and the one that serves it. */
  install(data: string): readonly [command: string, ...args: string[]];
  serve(data: string): readonly [command: string, ...args: string[]];
}

/** `parent`: where its folder is made. */
export async function startMysqlServer(program: MysqlProgram, parent?: string): Promise<DatabaseServer> {
  const folder = peerFolder(program.name, parent);
  const port = await freePort();
  const { owner } = program;
  chmodSync(folder.path, 0o711);
  const tls = makeTestTls({ folder: join(folder.path, "tls") });
  const [data, run] = [join(folder.path, "data"), join(folder.path, "run")];
  const socket = join(run, "my.sock");
  mkdirSync(data, { mode: 0o700 });
  mkdirSync(run, { mode: 0o755 });
  for (const path of [data, run, tls.serverKeyFile]) if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
  const [installer, ...installing] = program.install(data);
  execFileSync(installer, installing, { stdio: ["ignore", "ignore", "pipe"] });
  const connect = (database: string) =>
    createConnection({ socketPath: socket, user: "root", database, dateStrings: true, multipleStatements: true });
  const query = async (database: string, sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> => {
    const connection = await connect(database);
    try {
      const [rows] = await connection.query(sql);
      return Array.isArray(rows) ? rows.map((row) => ({ ...row })) : [];
    } finally {
      connection.destroy();
    }
  };
  let peer: Peer | undefined;
  const start = async (): Promise<void> => {
    const [command, ...args] = program.serve(data);
    const own = [
      `--port=${port}`,
      "--bind-address=127.0.0.1",
      `--socket=${socket}`,
      `--pid-file=${join(run, "own.pid")}`,
      "--skip-name-resolve",
      "--character-set-server=utf8mb4",
      "--innodb-buffer-pool-size=64M",
      `--ssl-ca=${tls.caFile}`,
      `--ssl-cert=${tls.serverCertFile}`,
      `--ssl-key=${tls.serverKeyFile}`,
    ];
    peer = await startPeer(
      { command, args: [...args, ...own], logFile: join(folder.path, "log") },
      async () => (await query("mysql", "select 1 as one")).length === 1,
    );
  };
  await start();
  for (const sql of [
    "create user 'dex'@'%' identified by 'dex'",
    "create user 'tlsdex'@'%' identified by 'dex' require x509",
    "grant all on *.* to 'dex'@'%'",
    "grant all on *.* to 'tlsdex'@'%'",
  ])
    await query("mysql", sql);
  let databases = 0;
  return {
    get pid() {
      return peer?.child.pid ?? 0;
    },
    port,
    socket,
    tls,
    config: configAt(port, "false"),
    async createDatabase(sqlFile) {
      const name = `dex${++databases}`;
      await query("mysql", `create database ${name} character set utf8mb4`);
      if (sqlFile !== undefined) await query(name, readFileSync(sqlFile, "utf8"));
      return name;
    },
    query,
    kill: async () => peer?.stop("SIGKILL"),
    start,
    async stop() {
      await peer?.stop();
      folder.remove();
    },
  };
}
