import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { describe, it, type TestContext } from "node:test";
import { handClock } from "../../../test/fake/hand-clock.ts";
import { systemRandom } from "../../kernel/system.ts";
import { bySrvRules, parseHost, srvHosts } from "./hosts.ts";
import { KeptLog } from "./testing/open-ldap.ts";

describe("a host", () => {
  it("may have a port, and brackets for IPv6", () => {
    assert.deepEqual(parseHost("ldap.example.com", 389), { host: "ldap.example.com", port: 389 });
    assert.deepEqual(parseHost("ldap.example.com:3890", 389), { host: "ldap.example.com", port: 3890 });
    assert.deepEqual(parseHost("[::1]:3890", 389), { host: "::1", port: 3890 });
    assert.deepEqual(parseHost("[::1]", 389), { host: "::1", port: 389 });
    assert.deepEqual(parseHost("::1", 636), { host: "::1", port: 636 });
    for (const text of ["", ":389", "a:b", "a:0", "a:70000", "a:1:2"])
      assert.throws(() => parseHost(text, 389), /is no host/);
  });
});

interface Srv {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** A name server on loopback that knows one SRV record set. RFC 1035 §4, RFC 2782. */
async function nameServer(t: TestContext, records: () => readonly Srv[] | undefined) {
  const socket = createSocket("udp4");
  let questions = 0;
  socket.on("message", (query, from) => {
    questions += 1;
    const known = records();
    const question = query.subarray(12, query.indexOf(0, 12) + 5);
    const header = Buffer.from(query.subarray(0, 12));
    header.writeUInt16BE(known === undefined ? 0x8183 : 0x8180, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(known?.length ?? 0, 6);
    header.writeUInt32BE(0, 8);
    socket.send(Buffer.concat([header, question, ...(known ?? []).map(resourceOf)]), from.port);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  t.after(() => socket.close());
  const resolver = new Resolver({ timeout: 500, tries: 1 });
  resolver.setServers([`127.0.0.1:${socket.address().port}`]);
  return { resolver, asked: () => questions };
}

function resourceOf({ name, port, priority, weight }: Srv): Buffer {
  const labels = name.split(".").map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  const numbers = Buffer.alloc(6);
  for (const [index, value] of [priority, weight, port].entries()) numbers.writeUInt16BE(value, 2 * index);
  const data = Buffer.concat([numbers, ...labels, Buffer.from([0])]);
  const head = Buffer.from("c00c 0021 0001 0000003c 0000".replaceAll(" ", ""), "hex");
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

describe("an SRV record", () => {
  it("names the servers, is asked once a minute, and is remembered while the DNS is away", async (t) => {
    let records: readonly Srv[] | undefined = [
      { name: "b.example.com", port: 390, priority: 20, weight: 0 },
      { name: "a.example.com", port: 389, priority: 10, weight: 5 },
    ];
    const clock = handClock();
    const { resolver, asked } = await nameServer(t, () => records);
    const list = srvHosts("_ldap._tcp.example.com", resolver, { clock, random: systemRandom, logger: new KeptLog() });
    const both = [
      { host: "a.example.com", port: 389 },
      { host: "b.example.com", port: 390 },
    ];
    assert.deepEqual(await list(), both);
    assert.deepEqual(await list(), both);
    assert.equal(asked(), 1);
    records = undefined;
    await clock.advance(61_000);
    assert.deepEqual(await list(), both);
    records = [{ name: "c.example.com", port: 1, priority: 0, weight: 0 }];
    await clock.advance(61_000);
    assert.deepEqual(await list(), [{ host: "c.example.com", port: 1 }]);
  });

  it("that is not there is an error", async (t) => {
    const { resolver } = await nameServer(t, () => undefined);
    const deps = { clock: handClock(), random: systemRandom, logger: new KeptLog() };
    await assert.rejects(
      srvHosts("_ldap._tcp.example.com", resolver, deps)(),
      /the DNS knows no _ldap._tcp.example.com/,
    );
  });

  it("orders by priority, and draws by weight within one", () => {
    const record = (name: string, priority: number, weight: number) => ({ name, port: 1, priority, weight });
    const records = [record("c", 2, 0), record("light", 1, 1), record("heavy", 1, 99), record(".", 0, 0)];
    let heavyFirst = 0;
    for (let round = 0; round < 500; round++) {
      const names = bySrvRules(records, systemRandom).map(({ name }) => name);
      assert.deepEqual(names.slice(2), ["c"]);
      assert.deepEqual([...names].sort(), ["c", "heavy", "light"]);
      if (names[0] === "heavy") heavyFirst += 1;
    }
    // 98 % on average: below 450 of 500 once in many billion runs.
    assert.ok(heavyFirst > 450, String(heavyFirst));
  });
});
