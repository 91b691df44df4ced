/**
 * A PostgreSQL of our own: a new cluster in a folder of its own, on a free port of 127.0.0.1 and on a Unix socket,
 * with passwords, TLS, and a role that only a client certificate lets in. What was acknowledged is on disk, so it may
 * be killed. PostgreSQL refuses to run as root, then the package's user does.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { makeTestTls, type TestTls } from "../fake/certificates.ts";
import { configAt, type DatabaseServer } from "./database-server.ts";
import { freePort, type Peer, peerFolder, startPeer } from "./peer.ts";

/** Debian keeps each version in a folder of its own. */
function newestBin(): string {
  const folder = "/usr/lib/postgresql";
  const versions = existsSync(folder) ? readdirSync(folder) : [];
  const newest = versions.sort((a, b) => Number(b) - Number(a))[0];
  return newest === undefined ? "" : `${folder}/${newest}/bin/`;
}

const bin = newestBin();

/** For `missing`. */
export const postgresPrograms = {
  [`${bin}postgres`]: "postgresql",
  [`${bin}initdb`]: "postgresql",
  openssl: "openssl",
};

/** `socket` is a folder. */
export interface PostgresPeer extends DatabaseServer {
  /** Logs every statement from now on, and what it has logged: text by text. */
  logStatements(): Promise<() => readonly string[]>;
}

/** `parent`: where its folder is made. */
export async function startPostgres(parent?: string): Promise<PostgresPeer> {
  const folder = peerFolder("postgres", parent);
  const port = await freePort();
  const owner = ownerOf();
  chmodSync(folder.path, 0o711);
  const tls = makeTestTls({ client: "CN=tlsdex", folder: join(folder.path, "tls") });
  const [data, socket] = [join(folder.path, "data"), join(folder.path, "sock")];
  for (const path of [data, socket]) mkdirSync(path, { mode: 0o700 });
  for (const path of [data, socket, tls.serverKeyFile]) if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
  const identity = owner ?? {};
  execFileSync(`${bin}initdb`, ["-N", "-D", data, "-U", "postgres", "-A", "trust", "--locale=C.UTF-8", "-E", "UTF8"], {
    cwd: "/",
    stdio: ["ignore", "ignore", "pipe"],
    ...identity,
  });
  writeFileSync(join(data, "postgresql.auto.conf"), serverSettings(socket, tls));
  writeFileSync(join(data, "pg_hba.conf"), access);
  if (owner !== undefined) chownSync(join(data, "postgresql.auto.conf"), owner.uid, owner.gid);
  let peer: Peer | undefined;
  const admin = async <T>(database: string, use: (client: pg.Client) => Promise<T>): Promise<T> => {
    const client = new pg.Client({ host: socket, port, user: "postgres", database });
    client.on("error", () => {});
    try {
      await client.connect();
      return await use(client);
    } finally {
      await client.end();
    }
  };
  const start = async (): Promise<void> => {
    peer = await startPeer(
      {
        command: `${bin}postgres`,
        args: ["-D", data, "-p", String(port)],
        cwd: "/",
        logFile: join(folder.path, "log"),
        ...identity,
      },
      () => admin("postgres", async (client) => (await client.query("select 1")).rowCount === 1),
    );
  };
  await start();
  await admin("postgres", async (client) => {
    await client.query("create role dex login password 'dex' createdb");
    await client.query("create role tlsdex login in role dex");
  });
  let databases = 0;
  return {
    get pid() {
      return peer?.child.pid ?? 0;
    },
    port,
    socket,
    tls,
    config: configAt(port, "disable"),
    async createDatabase(sqlFile) {
      const name = `dex${++databases}`;
      await admin("postgres", (client) => client.query(`create database ${name} owner dex`));
      if (sqlFile !== undefined) loadDump({ name, socket, port, sqlFile });
      return name;
    },
    query: (database, sql) => admin(database, async (client) => (await client.query(sql)).rows),
    async logStatements() {
      await admin("postgres", (client) => client.query("alter system set log_statement = 'all'"));
      await admin("postgres", (client) => client.query("select pg_reload_conf()"));
      return () =>
        [...readFileSync(join(folder.path, "log"), "utf8").matchAll(/LOG: {2}execute dex_[0-9a-f]+: (.*)/g)].map(
          ([, statement = ""]) => statement,
        );
    },
    async kill() {
      // The postmaster's own SIGKILL leaves its children to find out; SIGQUIT is its "immediate shutdown", without any goodbye.
      await peer?.stop("SIGQUIT");
    },
    start,
    async stop() {
      // SIGTERM would wait for clients to leave.
      await peer?.stop("SIGINT");
      folder.remove();
    },
  };
}

/** The user of Debian's package, where we are root. */
function ownerOf(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const [, uid, gid] = /^postgres:[^:]*:(\d+):(\d+):/m.exec(readFileSync("/etc/passwd", "utf8")) ?? [];
  if (uid === undefined || gid === undefined) throw new Error("there is no user postgres");
  return { uid: Number(uid), gid: Number(gid) };
}

const serverSettings = (socket: string, tls: TestTls): string => `
listen_addresses = '127.0.0.1'
unix_socket_directories = '${socket}'
unix_socket_permissions = 0777
ssl = on
ssl_ca_file = '${tls.caFile}'
ssl_cert_file = '${tls.serverCertFile}'
ssl_key_file = '${tls.serverKeyFile}'
max_connections = 200
shared_buffers = 64MB
`;

const access = `
local   all all                  trust
hostssl all tlsdex 127.0.0.1/32  cert
host    all all    127.0.0.1/32  scram-sha-256
`;

/** A dump is text for `psql`: it holds COPY blocks, which no driver reads. Its tables belong to dex, as they did. */
function loadDump(dump: {
  readonly name: string;
  readonly socket: string;
  readonly port: number;
  readonly sqlFile: string;
}) {
  const target = ["-h", dump.socket, "-p", String(dump.port), "-U", "dex", "-d", dump.name];
  execFileSync(`${bin}psql`, ["-q", "-X", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", ...target, "-f", dump.sqlFile], {
    stdio: ["ignore", "ignore", "pipe"],
  });
}
