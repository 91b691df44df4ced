import assert from "node:assert/strict";
import { test } from "node:test";
import { handClock } from "../../test/fake/hand-clock.ts";
import type { Connector, PasswordConnector } from "../connector/contract.ts";
import { type AnyConnectorType, connectorTypes } from "../connector/registry.ts";
import { UnavailableError } from "../kernel/errors.ts";
import { levels } from "../kernel/log-level.ts";
import { createLogger } from "../kernel/logger.ts";
import { Secret } from "../kernel/secret.ts";
import { systemRandom } from "../kernel/system.ts";
import type { ConnectorRecord } from "../storage/records.ts";
import { type ConnectorPoolDeps, createConnectorPool } from "./connector-pool.ts";

const never = new AbortController().signal;

const aRecord = ({
  config = {},
  ...rest
}: Partial<Omit<ConnectorRecord, "config">> & { config?: unknown } = {}): ConnectorRecord => ({
  id: "up",
  type: "fake",
  name: "Upstream",
  resourceVersion: "1",
  config: new Secret(Buffer.from(JSON.stringify(config))),
  grantTypes: [],
  ...rest,
});

/** An upstream that opens, fails or hangs as told, and remembers what was opened and closed. */
class Upstream {
  answer: "opens" | "fails" | "hangs" = "opens";
  readonly opened: unknown[] = [];
  readonly closed: unknown[] = [];
  /** Lets those that hang go on. */
  release: () => void = () => undefined;

  readonly type: AnyConnectorType = {
    type: "fake",
    about: {
      refresh: false,
      groups: false,
      preferredUsername: false,
      logout: false,
      tokenExchange: false,
      status: "stable",
    },
    config: {
      parse: (value) => {
        if (JSON.stringify(value).includes("wrong")) throw new Error("issuer: must be a URL");
        return value;
      },
    },
    open: async (config) => {
      this.opened.push(config);
      if (this.answer === "fails") throw new Error("connection refused");
      if (this.answer === "hangs") await new Promise<void>((resolve) => (this.release = resolve));
      return this.connector(config);
    },
  };

  private connector(config: unknown): Connector {
    return {
      kind: "password",
      prompt: "",
      login: () => Promise.resolve({ ok: false, reason: "wrong_credentials" }),
      close: async () => void this.closed.push(config),
    };
  }
}

const local: PasswordConnector = {
  kind: "password",
  prompt: "Email Address",
  login: () => Promise.resolve({ ok: false, reason: "wrong_credentials" }),
};

/** A pool over `stored`, which a test may change, and all that can be seen of it. */
function aPool(stored: ConnectorRecord[], more: Partial<ConnectorPoolDeps> = {}) {
  const clock = handClock();
  const upstream = new Upstream();
  const lines: string[] = [];
  const reached: string[] = [];
  const reads = { count: 0, fault: undefined as Error | undefined };
  const pool = createConnectorPool({
    storage: {
      connectors: {
        list: async () => {
          reads.count += 1;
          await new Promise(setImmediate);
          if (reads.fault !== undefined) throw reads.fault;
          return [...stored];
        },
      },
    },
    local: undefined,
    isStatic: false,
    continueOnFailure: true,
    clock,
    random: systemRandom,
    logger: createLogger({
      level: levels.info,
      format: "text",
      excludeFields: [],
      clock,
      write: (line) => void lines.push(line),
    }),
    observer: { reached: (id, isThere) => void reached.push(`${id} ${isThere}`) },
    openFetch: () => () => Promise.reject(new Error("nobody is asked here")),
    types: { ...connectorTypes, fake: async () => upstream.type },
    ...more,
  });
  return { pool, clock, upstream, lines, reached, reads, stored };
}

const ids = (infos: readonly { readonly id: string }[]): readonly string[] => infos.map(({ id }) => id);

test("lists what there is, with the password database last, and opens each by its id", async () => {
  const record = aRecord({ type: "mockCallback", grantTypes: ["refresh_token"] });
  const { pool } = aPool([record], { local });
  await pool.openAll(never);
  assert.deepEqual(await pool.list(), [
    { id: "up", type: "mockCallback", name: "Upstream", grantTypes: ["refresh_token"] },
    { id: "local", type: "local", name: "Email", grantTypes: [] },
  ]);
  assert.equal((await pool.open("local"))?.connector, local);
  const open = await pool.open("up");
  assert.equal(open?.connector.kind, "redirect");
  assert.equal(open?.info.name, "Upstream");
  assert.equal(await pool.open("nobody"), undefined);
  await pool.close();
});

test("nothing but the password database has the id local; of two with one id the last counts", async () => {
  const stored = [aRecord({ id: "local" }), aRecord({ name: "first" }), aRecord({ name: "last" })];
  const { pool } = aPool(stored, { local });
  assert.deepEqual(
    (await pool.list()).map(({ id, name }) => `${id} ${name}`),
    ["up last", "local Email"],
  );
  await pool.close();
});

test("a hundred requests at once open a connector once and read storage once", async () => {
  const { pool, upstream, reads } = aPool([aRecord()]);
  const opened = await Promise.all(Array.from({ length: 100 }, () => pool.open("up")));
  assert.equal(new Set(opened.map((each) => each?.connector)).size, 1);
  assert.equal(upstream.opened.length, 1);
  assert.equal(reads.count, 1);
  await pool.close();
});

test("storage is asked at most once a second, and a change counts within one", async () => {
  const { pool, clock, reads, stored } = aPool([aRecord()]);
  await pool.list();
  stored.push(aRecord({ id: "new" }));
  await clock.advance(999);
  assert.deepEqual(ids(await pool.list()), ["up"]);
  assert.equal(reads.count, 1);
  await clock.advance(1);
  assert.deepEqual(ids(await pool.list()), ["up", "new"]);
  assert.equal(reads.count, 2);
  await pool.close();
});

test("connectors that cannot change are read once for ever", async () => {
  const { pool, clock, reads } = aPool([aRecord()], { isStatic: true });
  for (let hour = 0; hour < 3; hour++) {
    assert.deepEqual(ids(await pool.list()), ["up"]);
    await clock.advance(3_600_000);
  }
  assert.equal(reads.count, 1);
  await pool.close();
});

test("storage that is away is said so, and found again when it is back", async () => {
  const { pool, clock, reads } = aPool([aRecord()]);
  reads.fault = new UnavailableError("storage", "away");
  await assert.rejects(pool.list(), UnavailableError);
  await assert.rejects(pool.open("up"), UnavailableError);
  reads.fault = undefined;
  assert.deepEqual(ids(await pool.list()), ["up"]);
  reads.fault = new UnavailableError("storage", "away");
  assert.deepEqual(ids(await pool.list()), ["up"]);
  await clock.advance(1_000);
  await assert.rejects(pool.list(), UnavailableError);
  await pool.close();
});

for (const [what, change] of [
  ["version", { resourceVersion: "2" }],
  ["config", { config: { a: 2 } }],
  ["name", { name: "Renamed" }],
  ["grant types", { grantTypes: ["refresh_token"] }],
] as const) {
  test(`a changed ${what} opens it anew; logins that hold the old one may finish`, async () => {
    const { pool, clock, upstream, stored } = aPool([aRecord({ config: { a: 1 } })]);
    const before = await pool.open("up");
    stored[0] = aRecord({ config: { a: 1 }, ...change });
    await clock.advance(1_000);
    const after = await pool.open("up");
    assert.notEqual(after?.connector, before?.connector);
    assert.equal(upstream.opened.length, 2);
    assert.equal(upstream.closed.length, 0);
    await clock.advance(60_000);
    assert.equal(upstream.closed.length, 1);
    await pool.close();
    assert.equal(upstream.closed.length, 2);
  });
}

test("a change that does not open leaves the old one at work, button and all, until it does", async () => {
  const stored = [aRecord({ config: { host: "a" } })];
  const { pool, clock, upstream } = aPool(stored);
  const before = (await pool.open("up"))?.connector;
  upstream.answer = "fails";
  for (const host of ["b", "c"]) {
    stored[0] = aRecord({ config: { host } });
    await clock.advance(1_001);
    assert.equal((await pool.open("up"))?.connector, before, host);
    assert.deepEqual(
      (await pool.list()).map(({ unavailable }) => unavailable),
      [undefined],
    );
  }
  stored[0] = aRecord({ config: { host: "wrong" } });
  await clock.advance(1_001);
  assert.equal((await pool.open("up"))?.connector, before, "a mistake in it is no reason either");
  assert.deepEqual(upstream.closed, []);
  upstream.answer = "opens";
  stored[0] = aRecord({ config: { host: "d" } });
  await clock.advance(1_001);
  assert.notEqual((await pool.open("up"))?.connector, before);
  await clock.advance(60_000);
  assert.deepEqual(upstream.closed, [{ host: "a" }], "once it opens, the old one goes");
  stored.length = 0;
  await clock.advance(1_001);
  assert.equal(await pool.open("up"), undefined, "what is removed has no successor to wait for");
  await pool.close();
  assert.deepEqual(upstream.closed, [{ host: "a" }, { host: "d" }]);
});

test("what has not changed is not opened again, and what was removed is gone and closed", async () => {
  const { pool, clock, upstream, stored, reached } = aPool([aRecord()]);
  const before = await pool.open("up");
  stored[0] = aRecord();
  await clock.advance(1_000);
  assert.equal((await pool.open("up"))?.connector, before?.connector);
  stored.pop();
  await clock.advance(1_000);
  assert.equal(await pool.open("up"), undefined);
  assert.deepEqual(reached, ["up true", "up undefined"]);
  await clock.advance(60_000);
  assert.equal(upstream.closed.length, 1);
  await pool.close();
});

test("one that fails is named with a reason, does not hold up logins, and heals by itself", async () => {
  const { pool, clock, upstream, lines, reached } = aPool([aRecord(), aRecord({ id: "mock", type: "mockCallback" })], {
    isStatic: true,
  });
  upstream.answer = "fails";
  await pool.openAll(never);
  const [broken, mock] = await pool.list();
  assert.equal(broken?.unavailable, "The upstream of this connector cannot be reached.");
  assert.equal(mock?.unavailable, undefined);
  await assert.rejects(pool.open("up"), UnavailableError);
  await assert.rejects(pool.open("up"), UnavailableError);
  assert.equal(upstream.opened.length, 1, "asking does not try again");
  assert.match(lines[0] ?? "", /level=ERROR msg="server: Failed to open connector" id=up err="connection refused"\n$/);
  upstream.answer = "opens";
  await clock.advance(1_000);
  assert.equal((await pool.list())[0]?.unavailable, undefined);
  assert.equal((await pool.open("up"))?.connector.kind, "password");
  assert.match(lines[1] ?? "", /level=INFO msg="connector opened" id=up/);
  assert.deepEqual(reached.sort(), ["mock true", "up false", "up true"]);
  await pool.close();
});

test("it is tried ever more seldom, but at least every five minutes", async () => {
  const { pool, clock, upstream } = aPool([aRecord()], { isStatic: true });
  upstream.answer = "fails";
  await pool.openAll(never);
  await clock.advance(3_600_000);
  const inFirstHour = upstream.opened.length;
  assert.ok(inFirstHour >= 20 && inFirstHour <= 40, String(inFirstHour));
  await clock.advance(300_000);
  assert.ok(upstream.opened.length > inFirstHour);
  await pool.close();
  const atClose = upstream.opened.length;
  await clock.advance(3_600_000);
  assert.equal(upstream.opened.length, atClose, "a closed pool tries no more");
});

test("one that hangs is given up after a while, and closed should it open after all", async () => {
  const { pool, clock, upstream } = aPool([aRecord()], { isStatic: true });
  upstream.answer = "hangs";
  const opening = assert.rejects(pool.open("up"), UnavailableError);
  await clock.asleep(1);
  await clock.advance(15_000);
  await opening;
  assert.equal((await pool.list())[0]?.unavailable, "The upstream of this connector cannot be reached.");
  upstream.release();
  await clock.asleep(1);
  assert.equal(upstream.closed.length, 1);
  await pool.close();
});

test("closing while one opens leaves nothing open", async () => {
  const { pool, clock, upstream } = aPool([aRecord()], { isStatic: true });
  upstream.answer = "hangs";
  const opening = assert.rejects(pool.open("up"), UnavailableError);
  await clock.asleep(1);
  await pool.close();
  await opening;
  upstream.release();
  await clock.asleep(0);
  assert.equal(upstream.closed.length, 1);
  await assert.rejects(pool.open("up"), UnavailableError);
});

test("a type that is unknown, and a config that is wrong, are said so once and not tried again", async () => {
  const stored = [
    aRecord({ id: "a", type: "gopher" }),
    aRecord({ id: "b", type: "constructor" }),
    aRecord({ id: "c", config: "wrong" }),
    { ...aRecord({ id: "d" }), config: new Secret(Buffer.from('{"clientSecret": hunter2')) },
  ];
  const { pool, clock, lines } = aPool(stored, { isStatic: true });
  await pool.openAll(never);
  assert.deepEqual(
    (await pool.list()).map(({ unavailable }) => unavailable),
    [
      'unknown connector type "gopher"',
      'unknown connector type "constructor"',
      "The configuration of this connector is invalid.",
      "The configuration of this connector is not JSON.",
    ],
  );
  await clock.advance(3_600_000);
  assert.equal(lines.filter((line) => line.includes("Failed to open connector")).length, 4);
  assert.equal(lines.filter((line) => line.includes("failed to open all connectors (4/4)")).length, 1);
  assert.match(lines.join(""), /issuer: must be a URL/);
  assert.doesNotMatch(lines.join(""), /hunter2/);
  await pool.close();
});

test("a config that is absent is handed on as absent", async () => {
  const { pool } = aPool([{ ...aRecord({ type: "mockCallback" }), config: new Secret(new Uint8Array()) }]);
  assert.equal((await pool.open("up"))?.connector.kind, "redirect");
  await pool.close();
});

test("no connector at all ends the start, in Dex's words", async () => {
  const { pool } = aPool([]);
  await assert.rejects(pool.openAll(never), /^NoConnectorsError: server: no connectors specified$/);
  const { pool: withLocal } = aPool([], { local });
  await withLocal.openAll(never);
});

test("where the operator asked for it, one that fails ends the start", async () => {
  const { pool, upstream } = aPool([aRecord()], { continueOnFailure: false, isStatic: true });
  upstream.answer = "fails";
  await assert.rejects(pool.openAll(never), /server: Failed to open connector up/);
  await pool.close();
});

test("storage that is away at the start does not end it, unless the operator asked for that", async () => {
  const tolerant = aPool([aRecord()]);
  tolerant.reads.fault = new UnavailableError("storage", "away");
  await tolerant.pool.openAll(never);
  assert.match(tolerant.lines[0] ?? "", /failed to list connector objects from storage/);
  const strict = aPool([aRecord()], { continueOnFailure: false });
  strict.reads.fault = new UnavailableError("storage", "away");
  await assert.rejects(strict.pool.openAll(never), UnavailableError);
});

test("a start that is given up does not wait for a dead upstream", async () => {
  const { pool, clock, upstream } = aPool([aRecord()], { isStatic: true });
  upstream.answer = "hangs";
  const start = new AbortController();
  const opening = assert.rejects(pool.openAll(start.signal), /stopped/);
  await clock.asleep(1);
  start.abort(new Error("stopped"));
  await opening;
  await pool.close();
});

test("what the API stored is read as Go reads it: keys in any case, null as absent", async () => {
  const config = { USERNAME: "kilgore", Password: "trout", username: null };
  const { pool } = aPool([aRecord({ type: "mockPassword", config })]);
  assert.equal((await pool.open("up"))?.connector.kind, "password");
  await pool.close();
});

/** Another configuration with these connectors. */
const sourceOf = (records: readonly ConnectorRecord[]) => ({
  local: undefined,
  storage: { connectors: { list: async () => [...records] } },
});

test("another configuration shows nothing until it is committed, and who began before it ends as they began", async () => {
  const [one, two] = [aRecord({ id: "one", config: { host: "1" } }), aRecord({ id: "two", config: { host: "2" } })];
  const { pool, upstream } = aPool([one]);
  await pool.openAll(never);
  const before = pool.ofToday();
  const prepared = await pool.prepare(sourceOf([two]), [two]);
  assert.deepEqual(ids(await pool.list()), ["one"]);
  assert.equal(await pool.open("two"), undefined);
  prepared.commit();
  for (const now of [pool, pool.ofToday(), prepared.connectors]) {
    assert.deepEqual(ids(await now.list()), ["two"]);
    assert.equal(await now.open("one"), undefined);
  }
  assert.deepEqual(ids(await before.list()), ["one"]);
  assert.equal((await before.open("one"))?.info.id, "one");
  assert.equal(await before.open("two"), undefined);
  assert.deepEqual(upstream.opened, [{ host: "1" }, { host: "2" }]);
  await pool.close();
});

test("one that does not open refuses all of another configuration, and closes what opened for it", async () => {
  const one = aRecord({ id: "one", config: { host: "1" } });
  const two = aRecord({ id: "two", config: { host: "2" } });
  const wrong = aRecord({ id: "three", config: { host: "wrong" } });
  const { pool, upstream } = aPool([one]);
  await pool.openAll(never);
  await assert.rejects(pool.prepare(sourceOf([one, two, wrong]), [one, two, wrong]), /Failed to open connector three/);
  assert.deepEqual(upstream.closed, [{ host: "2" }]);
  assert.deepEqual(ids(await pool.list()), ["one"]);
  // Of one that only storage has, nobody asks whether it opens.
  (await pool.prepare(sourceOf([one, two, wrong]), [one, two])).commit();
  assert.deepEqual(ids(await pool.list()), ["one", "two", "three"]);
  await assert.rejects(pool.prepare(sourceOf([]), []), /no connectors specified/);
  await pool.close();
});
