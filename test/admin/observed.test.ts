/** What operators see of the gRPC API: metrics under Dex's names, when its certificate ends, and a line for each call. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { Client, credentials, type ServiceError, status } from "@grpc/grpc-js";
import { z } from "zod";
import { loadServices } from "../../src/admin/services.ts";
import { makeTestTls, tlsPrograms } from "../fake/certificates.ts";
import { missing } from "../peer/peer.ts";
import { type AdminStage, databaseFolder, startAdminStage } from "./stage.ts";

const telemetry = { http: "127.0.0.1:0" };

/** Samples whose name begins with `prefix`, by name and labels. */
async function metricsOf(stage: AdminStage, prefix: string): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`http://${stage.telemetry}/metrics`)).text();
  const lines = text.split("\n").filter((line) => line.startsWith(prefix));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
  );
}

const labels = (method: string, code?: string): string =>
  `{grpc_type="unary",grpc_service="api.Dex",grpc_method="${method}"${code === undefined ? "" : `,grpc_code="${code}"`}}`;

const codeOf = (work: Promise<unknown>): Promise<number> =>
  work.then(
    () => status.OK,
    (error: ServiceError) => error.code,
  );

/** Somebody whose password takes half a second to compare: bcrypt of cost 13. */
const slow = { email: "slow@example.com", hash: Buffer.from(`$2a$13$${".".repeat(53)}`), user_id: "1" };

/** Calls VerifyPassword and hangs up after `ms`. */
async function hangUp(address: string, ms: number): Promise<number> {
  const { path, requestSerialize, responseDeserialize } = loadServices().dex.VerifyPassword ?? assert.fail();
  const client = new Client(address, credentials.createInsecure());
  try {
    return await new Promise((resolve) => {
      const request = { email: slow.email, password: "hunter2" };
      const call = client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error) =>
        resolve(error?.code ?? status.OK),
      );
      setTimeout(() => call.cancel(), ms);
    });
  } finally {
    client.close();
  }
}

/** The fields of every line of one call, once there are `count`. */
async function callsIn(stage: AdminStage, method: string, count: number) {
  const shape = z.looseObject({ msg: z.string(), level: z.string(), method: z.string().optional() });
  const find = () =>
    stage.log
      .map((line) => shape.parse(JSON.parse(line)))
      .filter((line) => line.msg === "call" && line.method === `/api.Dex/${method}`);
  for (let tries = 0; find().length < count && tries < 400; tries++) await wait(50);
  return find();
}

test("every method is counted from 0, under Dex's names, with Go's names for the codes; without TLS too", async (t) => {
  const stage = await startAdminStage({ telemetry });
  t.after(stage.close);
  const before = await metricsOf(stage, "grpc_server_");
  for (const [name, { path }] of Object.entries(loadServices().dex)) {
    assert.equal(before.get(`grpc_server_started_total${labels(name)}`), 0, path);
    assert.equal(before.get(`grpc_server_handled_total${labels(name, "Unavailable")}`), 0, path);
  }
  const ofOne = [...before.keys()].filter((key) =>
    key.startsWith(`grpc_server_handled_total${labels("GetVersion").slice(0, -1)}`),
  );
  assert.equal(ofOne.length, 17);

  const { dex } = stage.client;
  await dex.GetVersion();
  await dex.GetVersion();
  await codeOf(dex.GetClient({ id: "nobody" }));
  await dex.CreatePassword({ password: slow });
  const late = stage.connect({ timeout: 100 }).dex.VerifyPassword({ email: slow.email, password: "hunter2" });
  assert.equal(await codeOf(late), status.DEADLINE_EXCEEDED);
  assert.equal(await hangUp(stage.grpc, 100), status.CANCELLED);
  await callsIn(stage, "VerifyPassword", 2);
  const after = await metricsOf(stage, "grpc_server_");
  assert.equal(after.get(`grpc_server_started_total${labels("GetVersion")}`), 2);
  assert.equal(after.get(`grpc_server_handled_total${labels("GetVersion", "OK")}`), 2);
  assert.equal(after.get(`grpc_server_msg_received_total${labels("GetVersion")}`), 2);
  assert.equal(after.get(`grpc_server_msg_sent_total${labels("GetVersion")}`), 2);
  assert.equal(after.get(`grpc_server_handling_seconds_count${labels("GetVersion")}`), 2);
  assert.equal(after.get(`grpc_server_handled_total${labels("GetClient", "Unknown")}`), 1);
  assert.equal(after.get(`grpc_server_msg_sent_total${labels("GetClient")}`), 0);
  assert.equal(after.get(`grpc_server_handled_total${labels("VerifyPassword", "DeadlineExceeded")}`), 1);
  assert.equal(after.get(`grpc_server_handled_total${labels("VerifyPassword", "Canceled")}`), 1);
});

test("each call is a line: what was asked, by whom, how it ended, how long it took, and no secret", async (t) => {
  const stage = await startAdminStage();
  t.after(stage.close);
  const { dex } = stage.client;
  const { client } = await dex.CreateClient({ client: { id: "app", secret: "s3cret-of-app" } });
  assert.equal(client?.secret, "s3cret-of-app");
  await dex.CreatePassword({ password: { ...slow, hash: Buffer.from(`$2a$10$${".".repeat(53)}`) } });
  await dex.VerifyPassword({ email: slow.email, password: "hunter2" });
  await codeOf(dex.GetClient({ id: "nobody" }));
  const [created] = await callsIn(stage, "CreateClient", 1);
  assert.deepEqual([created?.level, created?.code, created?.component], ["INFO", "OK", "api"]);
  assert.match(String(created?.peer), /^127\.0\.0\.1:\d+$/);
  assert.equal(typeof created?.ms, "number");
  const [read] = await callsIn(stage, "GetClient", 1);
  assert.deepEqual([read?.level, read?.code, read?.message], ["DEBUG", "Unknown", "not found"]);
  assert.equal((await callsIn(stage, "VerifyPassword", 1))[0]?.level, "DEBUG", "reading fills no log");
  assert.doesNotMatch(stage.log.join("\n"), /s3cret-of-app|hunter2|\$2a\$/);
});

test("telemetry says when the certificate ends, and of the new one once it is taken", {
  skip: missing(tlsPrograms),
}, async (t) => {
  const [before, after] = [makeTestTls(), makeTestTls()];
  t.after(before.remove);
  t.after(after.remove);
  const folder = databaseFolder(t);
  const [tlsCert, tlsKey] = [join(folder, "crt"), join(folder, "key")];
  const put = (tls: typeof before): void => {
    copyFileSync(tls.serverCertFile, tlsCert);
    copyFileSync(tls.serverKeyFile, tlsKey);
  };
  put(before);
  const stage = await startAdminStage(
    { telemetry, grpc: { addr: "127.0.0.1:0", tlsCert, tlsKey } },
    {},
    { ca: Buffer.from(before.ca) },
  );
  t.after(stage.close);
  const told = async (): Promise<unknown> => Object.fromEntries(await metricsOf(stage, "dex_certificate_expiry"));
  const expected = ({ serverCert }: typeof before): object => ({
    'dex_certificate_expiry_timestamp_seconds{listener="grpc"}':
      new X509Certificate(serverCert).validToDate.getTime() / 1000,
  });
  assert.deepEqual(await told(), expected(before));
  put(after);
  await stage.reload();
  assert.deepEqual(await told(), expected(after));
});
