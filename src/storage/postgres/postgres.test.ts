import { after, before, describe } from "node:test";
import { missing } from "../../../test/peer/peer.ts";
import { type PostgresPeer, postgresPrograms, startPostgres } from "../../../test/peer/postgres.ts";
import { Secret } from "../../kernel/secret.ts";
import { runStorageConformance } from "../conformance/conformance.ts";
import { quietDeps } from "../conformance/quiet-deps.ts";
import { openPostgres, postgres } from "./postgres.ts";

const settings = (config: { readonly password: string }) =>
  postgres.config.parse({ ...config, password: new Secret(config.password) });

describe("PostgreSQL", { skip: missing(postgresPrograms) }, () => {
  let peer: PostgresPeer;
  before(async () => {
    peer = await startPostgres();
  });
  after(() => peer.stop());

  runStorageConformance("postgres", async () =>
    openPostgres(settings(peer.config(await peer.createDatabase())), quietDeps()),
  );

  runStorageConformance(
    "postgres with ent's tables",
    async () => openPostgres({ ...settings(peer.config(await peer.createDatabase())), ent: true }, quietDeps()),
    { hasColludingPairs: true },
  );
});
