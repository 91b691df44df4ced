import { after, before, describe } from "node:test";
import { type MariadbPeer, mariadbPrograms, startMariadb } from "../../../test/peer/mariadb.ts";
import { missing } from "../../../test/peer/peer.ts";
import { Secret } from "../../kernel/secret.ts";
import { runStorageConformance } from "../conformance/conformance.ts";
import { quietDeps } from "../conformance/quiet-deps.ts";
import { mysql, openMysql } from "./mysql.ts";

const settings = (config: { readonly password: string }) =>
  mysql.config.parse({ ...config, password: new Secret(config.password) });

describe("MariaDB", { skip: missing(mariadbPrograms) }, () => {
  let peer: MariadbPeer;
  before(async () => {
    peer = await startMariadb();
  });
  after(() => peer.stop());

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
