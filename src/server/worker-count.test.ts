import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { test } from "node:test";
import { stringify } from "yaml";
import { loadConfig } from "../config/config.ts";
import { workerCount } from "./worker-count.ts";

const gib = 1024 ** 3;

async function configOf(storage: object, workers?: number) {
  const web = { http: "127.0.0.1:5556", ...(workers === undefined ? {} : { workers }) };
  const file = { issuer: "http://127.0.0.1:5556/dex", storage, web, enablePasswordDB: true };
  const loaded = await loadConfig(stringify(file), { env: {} });
  return loaded.ok ? loaded.config : assert.fail(JSON.stringify(loaded.mistakes));
}

const postgres = (more = {}) => ({ type: "postgres", config: { host: "db", database: "dex", user: "dex", ...more } });
const etcd = { type: "etcd", config: { endpoints: ["http://127.0.0.1:2379"] } };
const sqlite = { type: "sqlite3", config: { file: "dex.db" } };

for (const [storage, workers, cores, memory, expected] of [
  [postgres(), undefined, 2, 8 * gib, 2],
  [postgres(), undefined, 64, 64 * gib, 64],
  [etcd, undefined, 16, 64 * gib, 16],
  // A container of 512 MiB has room for four, one of 64 MiB for one.
  [postgres(), undefined, 16, gib / 2, 4],
  [postgres(), undefined, 16, gib / 16, 1],
  // A thread without a connection of its own could not work.
  [postgres({ maxOpenConns: 3 }), undefined, 16, 64 * gib, 3],
  [sqlite, undefined, 16, 64 * gib, 1],
  [{ type: "memory" }, undefined, 16, 64 * gib, 1],
  [postgres(), 0, 4, 8 * gib, 4],
  [postgres(), 3, 16, 64 * gib, 3],
  [sqlite, 2, 16, 64 * gib, 2],
] as const) {
  const asked = workers === undefined ? "nothing" : String(workers);
  test(`${storage.type} ${JSON.stringify("config" in storage ? storage.config : {})}, ${asked} asked for, ${cores} cores, ${memory} bytes: ${expected}`, async () => {
    assert.equal(
      workerCount(await configOf(storage, workers), () => ({ cores, memory })),
      expected,
    );
  });
}

test("without being told of a machine it counts this one's cores", async () => {
  const count = workerCount(await configOf(postgres()));
  assert.ok(count >= 1 && count <= availableParallelism());
});
