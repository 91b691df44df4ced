/** The gRPC listener: who gets in, what they may send, what it says of itself, and how it ends. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { Client, credentials, type ServiceError, status } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { protoPath as healthProto } from "grpc-health-check";
import { makeTestTls, type Pair, type TestTls, tlsPrograms } from "../fake/certificates.ts";
import { missing } from "../peer/peer.ts";
import { databaseFolder, startAdminStage } from "./stage.ts";

const skip = missing(tlsPrograms);

const codeOf = (work: Promise<unknown>): Promise<number> =>
  work.then(
    () => status.OK,
    (error: ServiceError) => error.code,
  );

const buffersOf = ({ cert, key }: Pair) => ({ cert: Buffer.from(cert), key: Buffer.from(key) });

function tlsOf(t: TestContext): TestTls {
  const tls = makeTestTls();
  t.after(tls.remove);
  return tls;
}

describe("mutual TLS", { skip, timeout: 60_000 }, () => {
  test("lets in who shows a certificate of the authority, and nobody else", async (t) => {
    const tls = tlsOf(t);
    const stranger = tlsOf(t);
    const grpc = {
      addr: "127.0.0.1:0",
      tlsCert: tls.serverCertFile,
      tlsKey: tls.serverKeyFile,
      tlsClientCA: tls.caFile,
    };
    const ca = Buffer.from(tls.ca);
    const own = { ca, ...buffersOf({ cert: tls.clientCert, key: tls.clientKey }) };
    const stage = await startAdminStage({ grpc }, {}, own);
    t.after(stage.close);
    assert.equal((await stage.client.dex.GetVersion()).api, 4);
    const code = (settings: Parameters<typeof stage.connect>[0]) =>
      codeOf(stage.connect({ timeout: 3_000, ...settings }).dex.GetVersion());
    assert.equal(await code({ tls: { ca } }), status.UNAVAILABLE, "no certificate");
    assert.equal(
      await code({ tls: { ca, ...buffersOf({ cert: stranger.clientCert, key: stranger.clientKey }) } }),
      status.UNAVAILABLE,
      "another authority's certificate",
    );
    assert.equal(
      await code({ tls: { ca, ...buffersOf(tls.authority.issue([], { days: -1 })) } }),
      status.UNAVAILABLE,
      "an expired one",
    );
    assert.equal(await code({}), status.UNAVAILABLE, "no TLS at all");
    await stage.client.dex.CreateClient({ client: { id: "logged" } });
    const line = stage.log.find((each) => each.includes("/api.Dex/CreateClient"));
    assert.match(line ?? "", /"caller":"dex"/, "the log says who called");
  });

  test("takes a new certificate and a new authority without dropping anybody", async (t) => {
    const [before, after] = [tlsOf(t), tlsOf(t)];
    const folder = databaseFolder(t);
    const put = (tls: TestTls): void => {
      writeFileSync(join(folder, "crt"), tls.serverCert);
      writeFileSync(join(folder, "key"), tls.serverKey);
      writeFileSync(join(folder, "ca"), tls.ca);
    };
    const identityOf = (tls: TestTls) => ({
      ca: Buffer.from(tls.ca),
      cert: Buffer.from(tls.clientCert),
      key: Buffer.from(tls.clientKey),
    });
    put(before);
    const grpc = {
      addr: "127.0.0.1:0",
      tlsCert: join(folder, "crt"),
      tlsKey: join(folder, "key"),
      tlsClientCA: join(folder, "ca"),
    };
    const stage = await startAdminStage({ grpc }, {}, identityOf(before));
    t.after(stage.close);
    await stage.client.dex.GetVersion();
    // Half a replacement is none.
    writeFileSync(join(folder, "crt"), after.serverCert);
    await assert.rejects(stage.reload(), /cannot be used/);
    await stage.connect({ tls: identityOf(before) }).dex.GetVersion();
    put(after);
    await stage.reload();
    await stage.client.dex.GetVersion();
    await stage.connect({ tls: identityOf(after) }).dex.GetVersion();
    const late = stage.connect({ tls: { ...identityOf(before), ca: Buffer.from(after.ca) }, timeout: 3_000 });
    assert.equal(await codeOf(late.dex.GetVersion()), status.UNAVAILABLE, "the old authority no longer counts");
  });
});

describe("the listener", { timeout: 60_000 }, () => {
  test("refuses messages over 4 MiB and goes on", async (t) => {
    const stage = await startAdminStage();
    t.after(stage.close);
    const name = "x".repeat(4 * 1024 * 1024 + 1);
    assert.equal(await codeOf(stage.client.dex.CreateClient({ client: { name } })), status.RESOURCE_EXHAUSTED);
    assert.equal((await stage.client.dex.ListClients()).clients.length, 0);
  });

  test("of a thousand creations of one client at once, one creates it", async (t) => {
    for (const storage of [
      { type: "memory" },
      { type: "sqlite3", config: { file: join(databaseFolder(t), "dex.db") } },
    ]) {
      const stage = await startAdminStage({ storage });
      const { dex } = stage.client;
      const answers = await Promise.all(
        Array.from({ length: 1_000 }, (_, index) => dex.CreateClient({ client: { id: "one", name: String(index) } })),
      );
      const created = answers.filter((answer) => !answer.already_exists);
      assert.equal(created.length, 1, storage.type);
      assert.equal((await dex.GetClient({ id: "one" })).client?.name, created[0]?.client?.name, storage.type);
      await stage.close();
    }
  });

  test("a call over its deadline ends, and the server goes on", async (t) => {
    const stage = await startAdminStage();
    t.after(stage.close);
    // bcrypt of cost 16 takes seconds.
    const hash = Buffer.from(`$2a$16$${".".repeat(53)}`);
    await stage.client.dex.CreatePassword({ password: { email: "slow@example.com", hash, user_id: "1" } });
    const hurried = stage.connect({ timeout: 100 });
    const asked = hurried.dex.VerifyPassword({ email: "slow@example.com", password: "x" });
    assert.equal(await codeOf(asked), status.DEADLINE_EXCEEDED);
    assert.equal((await stage.client.dex.GetVersion()).api, 4);
  });

  test("says that it lives, and describes itself where that is asked for", async (t) => {
    for (const [reflection, expected] of [
      [true, status.OK],
      [false, status.UNIMPLEMENTED],
    ] as const) {
      const stage = await startAdminStage({ grpc: { addr: "127.0.0.1:0", reflection } });
      t.after(stage.close);
      assert.equal(await healthOf(stage.grpc, "api.Dex"), "SERVING");
      for (const version of ["v1", "v1alpha"]) {
        const { code, names } = await reflected(stage.grpc, version);
        assert.equal(code, expected, version);
        if (reflection) for (const name of ["api.Dex", "dexts.Admin"]) assert.ok(names.includes(name), name);
      }
    }
  });

  test("a call that runs when the server is asked to stop is answered", async () => {
    const stage = await startAdminStage();
    const hash = Buffer.from(`$2a$12$${".".repeat(53)}`);
    await stage.client.dex.CreatePassword({ password: { email: "slow@example.com", hash, user_id: "1" } });
    const asked = stage.client.dex.VerifyPassword({ email: "slow@example.com", password: "x" });
    await wait(50);
    const [answer] = await Promise.all([asked, stage.close()]);
    assert.deepEqual(answer, { verified: false, not_found: false });
  });

  test("guessing passwords ends early, for one account alone", async (t) => {
    const stage = await startAdminStage();
    t.after(stage.close);
    const { dex } = stage.client;
    // No hash: wrong at once.
    const hash = Buffer.from(`$2a$10$${"!".repeat(53)}`);
    for (const email of ["a@example.com", "b@example.com"])
      await dex.CreatePassword({ password: { email, hash, user_id: email } });
    for (let guess = 0; guess < 5; guess++)
      assert.deepEqual(await dex.VerifyPassword({ email: "a@example.com", password: `${guess}` }), {
        verified: false,
        not_found: false,
      });
    assert.equal(
      await codeOf(dex.VerifyPassword({ email: "A@example.com", password: "x" })),
      status.RESOURCE_EXHAUSTED,
    );
    assert.equal(await codeOf(dex.VerifyPassword({ email: "b@example.com", password: "x" })), status.OK);
  });
});

async function healthOf(address: string, service: string): Promise<unknown> {
  const found = loadSync(healthProto)["grpc.health.v1.Health"];
  assert.ok(found !== undefined && !("format" in found));
  const { path, requestSerialize, responseDeserialize } = found.Check ?? assert.fail();
  const client = new Client(address, credentials.createInsecure());
  try {
    return await new Promise((resolve, reject) =>
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { service }, (error, answer) =>
        error === null
          ? resolve(String(Reflect.get(Object(answer), "status")) === "1" ? "SERVING" : answer)
          : reject(error),
      ),
    );
  } finally {
    client.close();
  }
}

/** The services that reflection lists. `list_services` is field 7 of the request; the names are read out of the bytes. */
async function reflected(address: string, version: string): Promise<{ readonly code: number; readonly names: string }> {
  const client = new Client(address, credentials.createInsecure());
  const same = (bytes: Buffer): Buffer => bytes;
  try {
    const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
    const call = client.makeBidiStreamRequest(path, same, same);
    return await new Promise((resolve) => {
      let names = "";
      call.on("data", (bytes: Buffer) => {
        names += bytes.toString("latin1");
        call.end();
      });
      call.on("error", (error: ServiceError) => resolve({ code: error.code, names }));
      call.on("end", () => resolve({ code: status.OK, names }));
      call.write(Buffer.from([0x3a, 0x01, 0x2a]));
    });
  } finally {
    client.close();
  }
}
