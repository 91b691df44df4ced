/** Databases that are programs of their own: started on loopback for one measurement, with what they need to keep what they said. */
import { type EtcdPeer, etcdPrograms, startEtcd } from "../../test/peer/etcd.ts";
import { startKubeApiserver, withoutKubeApiserver } from "../../test/peer/kube-apiserver.ts";
import { mariadbPrograms, startMariadb } from "../../test/peer/mariadb.ts";
import { missing } from "../../test/peer/peer.ts";
import { postgresPrograms, startPostgres } from "../../test/peer/postgres.ts";

/** One that runs. */
export interface Database {
  readonly pid: number;
  /** The configuration's `storage`. */
  readonly storage: object;
  stop(): Promise<void>;
}

export interface DatabaseProgram {
  /** Which package is missing here, or false. */
  readonly missing: string | false;
  /** Starts an empty one that keeps its files in `directory`. */
  start(directory: string): Promise<Database>;
}

export const databases = {
  postgres: {
    missing: missing(postgresPrograms),
    start: (directory) => startSql("postgres", startPostgres(directory)),
  },
  mariadb: { missing: missing(mariadbPrograms), start: (directory) => startSql("mysql", startMariadb(directory)) },
  etcd: {
    missing: missing(etcdPrograms),
    async start(directory) {
      const peer: EtcdPeer = await startEtcd({ parent: directory, isDurable: true });
      const storage = { type: "etcd", config: { endpoints: [peer.endpoint] } };
      return { pid: peer.pid, storage, stop: () => peer.stop() };
    },
  },
  kubernetes: {
    missing: withoutKubeApiserver,
    async start(directory) {
      const peer = await startKubeApiserver([], { parent: directory, isDurable: true });
      const storage = { type: "kubernetes", config: { kubeConfigFile: peer.kubeconfig } };
      return { pid: peer.pid, storage, stop: () => peer.stop() };
    },
  },
} satisfies Record<string, DatabaseProgram>;

export type DatabaseName = keyof typeof databases;

interface SqlPeer {
  readonly pid: number;
  config(database: string): object;
  createDatabase(): Promise<string>;
  stop(): Promise<void>;
}

async function startSql(type: string, starting: Promise<SqlPeer>): Promise<Database> {
  const peer = await starting;
  try {
    const config = peer.config(await peer.createDatabase());
    return { pid: peer.pid, storage: { type, config }, stop: () => peer.stop() };
  } catch (error) {
    await peer.stop();
    throw error;
  }
}
