import { after, before, describe } from "node:test";
import { type MariadbPeer, mariadbPrograms, startMariadb } from "../../../test/peer/mariadb.ts";
import { missing } from "../../../test/peer/peer.ts";
import { Secret } from "../../kernel/secret.ts";
import { runStorageConformance } from "../conformance/conformance.ts";
import { quietDeps } from "../conformance/quiet-deps.ts";
import type { Storage } from "../contract.ts";
import { runServerSuite, runTlsSuite } from "../shared/sql/testing/server-suite.ts";
import { mysql, openMysql } from "./mysql.ts";

const settings = (config: { readonly password: string }) =>
  mysql.config.parse({ ...config, password: new Secret(config.password) });

describe("MariaDB", { skip: missing(mariadbPrograms) }, () => {
  let peer: MariadbPeer;
  before(async () => {
    peer = await startMariadb();
  });
  after(() => peer.stop());

  const open = (database: string, change: object = {}): Promise<Storage> =>
    openMysql(settings({ ...peer.config(database), ...change }), quietDeps());
  runServerSuite(() => ({
    ...peer,
    open,
    steps: 24,
    fill: (count, end) =>
      `insert into dexts_revoked_token (id, expiry) select concat('g', seq), '${end}' from seq_1_to_${count}`,
  }));

  const tls = (mode: string, files: object = {}) => ({ ssl: { mode, ...files } });
  runTlsSuite(
    [
      { name: "by its Unix socket, whatever the mode", change: () => ({ host: peer.socket, ...tls("true") }) },
      { name: "with host:port", change: () => ({ host: `127.0.0.1:${peer.port}`, port: 1 }) },
      ...["skip-verify", "preferred"].map((mode) => ({ name: mode, change: () => tls(mode) })),
      { name: "true without the authority", change: () => tls("true"), refused: /certificate/ },
      { name: "custom", change: () => ({ host: "localhost", ...tls("custom", { caFile: peer.ca.caFile }) }) },
      {
        name: "an authority, whatever the mode",
        change: () => ({ host: "localhost", ...tls("false", { caFile: peer.ca.clientCert }) }),
        refused: /certificate/,
      },
      {
        name: "a client certificate",
        change: () => ({
          host: "localhost",
          user: "tlsdex",
          ...tls("custom", { caFile: peer.ca.caFile, certFile: peer.ca.clientCert, keyFile: peer.ca.clientKey }),
        }),
      },
    ],
    async (change) => open(await peer.createDatabase(), change),
  );

  runStorageConformance("mysql", async () =>
    openMysql(settings(peer.config(await peer.createDatabase())), quietDeps()),
  );

  // ent brings its columns back to this length whenever Dex starts, so we leave them there.
  runStorageConformance(
    "mysql with ent's tables",
    async () => openMysql({ ...settings(peer.config(await peer.createDatabase())), ent: true }, quietDeps()),
    { longestText: 384, hasColludingPairs: true },
  );
});
