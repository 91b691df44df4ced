import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { missing } from "../../../test/peer/peer.ts";
import { type PostgresPeer, postgresPrograms, startPostgres } from "../../../test/peer/postgres.ts";
import { Secret } from "../../kernel/secret.ts";
import { runStorageConformance } from "../conformance/conformance.ts";
import { makers } from "../conformance/makers.ts";
import { quietDeps } from "../conformance/quiet-deps.ts";
import type { Storage } from "../contract.ts";
import { runServerSuite, runTlsSuite } from "../shared/sql/testing/server-suite.ts";
import { openPostgres, postgres } from "./postgres.ts";

const settings = (config: { readonly password: string }) =>
  postgres.config.parse({ ...config, password: new Secret(config.password) });

describe("PostgreSQL", { skip: missing(postgresPrograms) }, () => {
  let peer: PostgresPeer;
  before(async () => {
    peer = await startPostgres();
  });
  after(() => peer.stop());

  const open = (database: string, change: object = {}): Promise<Storage> =>
    openPostgres(settings({ ...peer.config(database), ...change }), quietDeps());
  runServerSuite(() => ({
    ...peer,
    open,
    steps: 23,
    hold: (database, id, seconds) =>
      peer.query(
        database,
        `with held as (select id from refresh_token where id = '${id}' for update) select pg_sleep(${seconds}) from held`,
      ),
    fill: (count, end) =>
      `insert into dexts_revoked_token select 'g' || n, '${end}+00' from generate_series(1, ${count}) n`,
  }));

  test("a server that isolates serializably and refuses those who collide: every update is applied", async () => {
    const database = await peer.createDatabase();
    await peer.query(database, `alter database ${database} set default_transaction_isolation = 'serializable'`);
    const replicas = await Promise.all([open(database), open(database), open(database)]);
    const [first] = replicas;
    await first?.refreshTokens.create(makers.refreshTokens({ id: "counted", nonce: "0" }));
    const bump = ({ refreshTokens }: Storage) =>
      refreshTokens.update("counted", (current) => ({ ...current, nonce: `${Number(current.nonce) + 1}` }));
    await Promise.all(Array.from({ length: 50 }, () => replicas.map(bump)).flat());
    assert.equal((await first?.refreshTokens.get("counted"))?.nonce, "150");
    await Promise.all(replicas.map((storage) => storage.close()));
    await wait(1_000);
    const [row] = await peer.query(
      database,
      "select xact_rollback::int as refusals from pg_stat_database where datname = current_database()",
    );
    assert.ok(Number(row?.refusals) > 0, "nobody collided");
  });

  const tls = (mode: string, files: object = {}) => ({ ssl: { mode, ...files } });
  runTlsSuite(
    [
      { name: "by its Unix socket, whatever the mode", change: () => ({ host: peer.socket, ...tls("verify-full") }) },
      { name: "with host:port", change: () => ({ host: `127.0.0.1:${peer.port}`, port: 1 }) },
      ...["allow", "prefer", "require"].map((mode) => ({ name: mode, change: () => tls(mode) })),
      {
        name: "require, and an authority of its own",
        change: () => tls("require", { caFile: peer.tls.clientCertFile }),
        refused: /certificate/,
      },
      { name: "verify-ca", change: () => tls("verify-ca", { caFile: peer.tls.caFile }) },
      { name: "verify-full", change: () => tls("verify-full", { caFile: peer.tls.caFile }) },
      {
        name: "verify-full by name",
        change: () => ({ host: "localhost", ...tls("verify-full", { caFile: peer.tls.caFile }) }),
      },
      { name: "verify-full without the authority", change: () => tls("verify-full"), refused: /certificate/ },
      {
        name: "verify-full with a client certificate",
        change: () => ({
          user: "tlsdex",
          ...tls("verify-full", {
            caFile: peer.tls.caFile,
            certFile: peer.tls.clientCertFile,
            keyFile: peer.tls.clientKeyFile,
          }),
        }),
      },
    ],
    async (change) => open(await peer.createDatabase(), change),
  );

  runStorageConformance("postgres", async () =>
    openPostgres(settings(peer.config(await peer.createDatabase())), quietDeps()),
  );

  runStorageConformance(
    "postgres with ent's tables",
    async () => openPostgres({ ...settings(peer.config(await peer.createDatabase())), ent: true }, quietDeps()),
    { hasColludingPairs: true },
  );
});
