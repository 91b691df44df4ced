/** The connector against servers that are away, hang, lie or talk nonsense. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import {
  type Answer,
  bound,
  entry,
  extended,
  fakeLdap,
  janesDirectory,
  reference,
  searched,
} from "../../../test/fake/ldap-server.ts";
import { tcpRelay } from "../../../test/fake/tcp-relay.ts";
import { freePort } from "../../../test/peer/peer.ts";
import { UnavailableError } from "../../kernel/errors.ts";
import type { LoginResult } from "../contract.ts";
import { messagesOf, type OpenLdap, openLdap } from "./testing/open-ldap.ts";

const config = {
  insecureNoSSL: true,
  bindDN: "cn=service",
  bindPW: "s3rvice",
  userSearch: { baseDN: "dc=x", username: "uid" },
  connectTimeout: "300ms",
  requestTimeout: "300ms",
};

async function start(t: TestContext, answer: Answer, more: object = {}) {
  const server = await fakeLdap(answer);
  const opened = await openLdap({ ...config, host: `127.0.0.1:${server.port}`, ...more });
  t.after(async () => {
    await opened.connector.close?.();
    await server.close();
  });
  return { server, opened };
}

async function openFor(t: TestContext, ports: readonly number[], more: object = {}): Promise<OpenLdap> {
  const opened = await openLdap({ ...config, host: ports.map((port) => `127.0.0.1:${port}`), ...more });
  t.after(() => opened.connector.close?.());
  return opened;
}

const janeIsIn = (result: LoginResult): void => assert.equal(result.ok && result.identity.userId, "jane");
const isAway = (error: unknown): boolean => error instanceof UnavailableError && error.dependency === "connector ldap";

describe("a server that talks nonsense", () => {
  const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");
  for (const [what, junk] of [
    ["HTTP", Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")],
    ["zeros", Buffer.alloc(1000)],
    ["a length without an end", hex("3084ffffffff 00")],
    ["an indefinite length", hex("3080 020102")],
    ["a message of a number only", hex("3003 020101")],
    ["an answer to nobody", bound(77)],
    ["half an answer, and then no more", bound(1).subarray(0, 9)],
  ] as const) {
    it(`is away: ${what}`, async (t) => {
      const { opened } = await start(t, () => junk);
      await assert.rejects(opened.login("jane", "foo"), isAway);
    });
  }

  it("says no when its yes to a password is cut off or another kind of answer", async (t) => {
    for (const lie of [
      (id: number) => hex(`3005 0201${id.toString(16).padStart(2, "0")} 6100`),
      (id: number) => searched(id),
      (id: number) => extended(id),
      (id: number) => entry(id, "cn=jane"),
    ]) {
      const spoil: Answer = ({ kind, name, id }) => (kind === "bind" && name === "cn=jane" ? lie(id) : undefined);
      const { opened } = await start(t, janesDirectory(spoil));
      await assert.rejects(opened.login("jane", "foo"), isAway);
    }
  });

  it("blocks nobody with an attribute that is longer than its entry", async (t) => {
    const spoil: Answer = ({ kind, id }) =>
      kind === "search"
        ? hex(`3011 0201${id.toString(16).padStart(2, "0")} 640c 0400 3008 3020 0400 31020400`)
        : undefined;
    const { opened } = await start(t, janesDirectory(spoil));
    await assert.rejects(opened.login("jane", "foo"), isAway);
  });

  it("is heard out no longer than it is of use", async (t) => {
    const { opened } = await start(
      t,
      janesDirectory(({ kind, id }, socket) => {
        if (kind !== "search") return undefined;
        const many = Buffer.concat(Array.from({ length: 5_000 }, () => entry(id, "cn=jane")));
        const pour = (): void => {
          while (!socket.destroyed && socket.write(many));
        };
        socket.on("drain", pour);
        pour();
        return Buffer.alloc(0);
      }),
      { requestTimeout: "20s" },
    );
    await assert.rejects(opened.login("jane", "foo"), isAway);
  });
});

describe("a server that is away", () => {
  it("refuses the connection", async (t) => {
    const opened = await openFor(t, [await freePort()]);
    await assert.rejects(opened.login("jane", "foo"), isAway);
  });

  it("hangs: before a bind, before a search, before a password", async (t) => {
    for (const silent of ["bind", "search", "cn=jane"]) {
      const spoil: Answer = ({ kind, name }) =>
        kind === silent || (kind === "bind" && name === silent) ? Buffer.alloc(0) : undefined;
      const { opened, server } = await start(t, janesDirectory(spoil));
      const began = performance.now();
      await assert.rejects(opened.login("jane", "foo"), isAway);
      assert.ok(performance.now() - began < 5_000);
      // It would hold a connection for nothing.
      await wait(50);
      assert.equal(server.requests.filter(({ kind, name }) => kind === "bind" && name === "cn=jane").length <= 1, true);
    }
  });

  it("hangs within a TLS handshake", async (t) => {
    const { opened } = await start(t, () => undefined, { insecureNoSSL: false });
    await assert.rejects(opened.login("jane", "foo"), isAway);
  });

  it("is left at once by who goes away, which is not its fault", async (t) => {
    const { opened } = await start(t, () => undefined, { requestTimeout: "20s" });
    const leaving = new AbortController();
    setTimeout(() => leaving.abort(new Error("the browser went away")), 50);
    await assert.rejects(opened.login("jane", "foo", { signal: leaving.signal }), /the browser went away/);
    assert.ok(!opened.log.lines.some((line) => line.includes("does not answer")));
  });

  it("says that it is busy, or ends the connection with a notice", async (t) => {
    for (const spoil of [({ id }: { id: number }) => bound(id, 51, "busy"), () => extended(0, 52, "shutting down")]) {
      const { opened } = await start(t, (request) => spoil(request));
      await assert.rejects(opened.login("jane", "foo"), isAway);
    }
  });
});

describe("StartTLS", () => {
  const secure = { insecureNoSSL: false, startTLS: true };

  it("that is refused or stripped sends nobody's password", async (t) => {
    for (const answer of [
      ({ id }: { id: number }) => extended(id, 2, "unsupported extended operation"),
      ({ id }: { id: number }) => extended(id, 53),
      ({ id }: { id: number }) => bound(id),
      // Whoever is in between goes on in plain text.
      ({ id }: { id: number }) => Buffer.concat([extended(id), bound(id + 1)]),
      ({ id }: { id: number }) => Buffer.concat([extended(id), Buffer.from("3003", "hex")]),
    ]) {
      const { opened, server } = await start(t, (request) => answer(request), secure);
      await assert.rejects(opened.login("jane", "foo"), isAway);
      assert.deepEqual(
        server.requests.map(({ kind }) => kind),
        ["startTLS"],
      );
    }
  });
});

describe("a directory that works", () => {
  it("keeps its connection for the next search, and never one that a person was bound on", async (t) => {
    const { opened, server } = await start(t, janesDirectory());
    for (let round = 0; round < 3; round++) janeIsIn(await opened.login("jane", "foo"));
    const binds = server.requests.filter(({ kind }) => kind === "bind");
    assert.deepEqual(
      binds.map(({ name }) => name),
      ["cn=service", "cn=jane", "cn=jane", "cn=jane"],
    );
    const ofPeople = new Set(binds.filter(({ name }) => name === "cn=jane").map(({ connection }) => connection));
    for (const { kind, connection } of server.requests) if (kind === "search") assert.ok(!ofPeople.has(connection));
  });

  it("is asked nothing for an empty password", async (t) => {
    const { opened, server } = await start(t, janesDirectory());
    assert.deepEqual(await opened.login("jane", ""), { ok: false, reason: "wrong_credentials" });
    assert.deepEqual(server.requests, []);
  });

  it("may close what it kept: the next login opens another", async (t) => {
    const { opened, server } = await start(
      t,
      janesDirectory(({ kind }, socket) => {
        if (kind === "search") setTimeout(() => socket.destroy(), 20);
        return undefined;
      }),
    );
    for (let round = 0; round < 3; round++) {
      janeIsIn(await opened.login("jane", "foo"));
      await wait(60);
    }
    assert.ok(server.connections.total >= 6);
  });

  it("serves many at once over a few connections", async (t) => {
    let atMost = 0;
    const { opened, server } = await start(
      t,
      janesDirectory(({ kind }) => {
        if (kind === "search") atMost = Math.max(atMost, server.connections.open);
        return undefined;
      }),
      { requestTimeout: "20s" },
    );
    const all = await Promise.all(Array.from({ length: 60 }, () => opened.login("jane", "foo")));
    for (const result of all) janeIsIn(result);
    const searching = new Set(
      server.requests.filter(({ kind }) => kind === "search").map(({ connection }) => connection),
    );
    assert.ok(searching.size <= 8, String(searching.size));
    assert.ok(atMost > 1);
  });

  it("that refers elsewhere is not followed", async (t) => {
    const elsewhere = await fakeLdap(janesDirectory());
    t.after(() => elsewhere.close());
    const url = `ldap://127.0.0.1:${elsewhere.port}/dc=x`;
    const { opened } = await start(
      t,
      janesDirectory(({ kind, id }) => (kind === "search" ? reference(id, url) : undefined)),
    );
    await assert.rejects(opened.login("jane", "foo"), isAway);
    const good = await start(t, ({ kind, id, name }) =>
      kind === "search"
        ? Buffer.concat([reference(id, url), entry(id, "cn=jane", { uid: "jane", mail: "m" }), searched(id)])
        : bound(id, name === "cn=nobody" ? 10 : 0),
    );
    janeIsIn(await good.opened.login("jane", "foo"));
    assert.equal(elsewhere.requests.length, 0);
  });

  it("tells a wrong password from everything else that it may answer", async (t) => {
    for (const [code, diagnostic, expected] of [
      [49, "", "wrong_credentials"],
      [19, "", "wrong_credentials"],
      [
        49,
        "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data 52e, v1db1",
        "wrong_credentials",
      ],
      [
        49,
        "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data 532, v1db1",
        "password_expired",
      ],
      [
        49,
        "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data 773, v1db1",
        "password_expired",
      ],
      [
        49,
        "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data 775, v1db1",
        "wrong_credentials",
      ],
    ] as const) {
      const spoil: Answer = ({ kind, id, name }) =>
        kind === "bind" && name === "cn=jane" ? bound(id, code, diagnostic) : undefined;
      const { opened } = await start(t, janesDirectory(spoil));
      assert.deepEqual(await opened.login("jane", "foo"), { ok: false, reason: expected });
    }
    for (const code of [1, 8, 32, 34, 50, 53, 80]) {
      const spoil: Answer = ({ kind, id, name }) =>
        kind === "bind" && name === "cn=jane" ? bound(id, code, "why") : undefined;
      const { opened } = await start(t, janesDirectory(spoil));
      await assert.rejects(
        opened.login("jane", "foo"),
        /ldap: failed to bind as dn "cn=jane": LDAP Result Code \d+ \w+: why/,
      );
    }
  });
});

describe("several servers", () => {
  it("are tried in turn, and the dead one not again until it answers", async (t) => {
    const directory = await fakeLdap(janesDirectory());
    t.after(() => directory.close());
    const first = await tcpRelay(directory.port);
    const second = await tcpRelay(directory.port);
    t.after(() => Promise.all([first.close(), second.close()]));
    const opened = await openFor(t, [first.port, second.port]);
    janeIsIn(await opened.login("jane", "foo"));
    await first.cut();
    janeIsIn(await opened.login("jane", "foo"));
    assert.match(opened.log.lines.join("\n"), /LDAP server does not answer/);
    await first.mend();
    await second.cut();
    // The first is asked although nobody has told yet that it is back.
    janeIsIn(await opened.login("jane", "foo"));
    await second.mend();
    for (let tries = 0; !opened.log.lines.some((line) => line.includes("answers again")); tries++) {
      assert.ok(tries < 100, "nobody noticed that it is back");
      await wait(100);
    }
  });

  it("take over from one that hangs, with one login waiting for it and no more", async (t) => {
    const directory = await fakeLdap(janesDirectory());
    t.after(() => directory.close());
    const first = await tcpRelay(directory.port);
    t.after(() => first.close());
    const opened = await openFor(t, [first.port, directory.port]);
    janeIsIn(await opened.login("jane", "foo"));
    first.silence();
    janeIsIn(await opened.login("jane", "foo"));
    const began = performance.now();
    janeIsIn(await opened.login("jane", "foo"));
    assert.ok(performance.now() - began < 250, "the second login waited as well");
  });

  it("that are all away are away", async (t) => {
    const opened = await openFor(t, [await freePort(), await freePort()]);
    const error = await opened.login("jane", "foo").catch((caught: unknown) => caught);
    assert.ok(isAway(error));
    assert.match(messagesOf(error).join("\n"), /ECONNREFUSED/);
  });
});
