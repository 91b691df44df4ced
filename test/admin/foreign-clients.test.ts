/** Clients that are not ours: Python's, over mutual TLS; and the package that strangers install, as it is packed. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { makeTestTls, tlsPrograms } from "../fake/certificates.ts";
import { missing } from "../peer/peer.ts";
import { pythonGrpcPrograms, runPython } from "../peer/python-grpc.ts";
import { allFlags, databaseFolder, startAdminStage } from "./stage.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));

async function mutualStage(t: TestContext) {
  const tls = makeTestTls();
  t.after(tls.remove);
  const grpc = { addr: "127.0.0.1:0", tlsCert: tls.serverCertFile, tlsKey: tls.serverKeyFile, tlsClientCA: tls.caFile };
  const stage = await startAdminStage({ grpc }, allFlags);
  t.after(stage.close);
  return { stage, tls };
}

describe("a client in Python", { skip: missing({ ...tlsPrograms, ...pythonGrpcPrograms }), timeout: 60_000 }, () => {
  test("calls both services over mutual TLS", async (t) => {
    const { stage, tls } = await mutualStage(t);
    const script = `
made = dex.CreateClient(api.CreateClientReq(client=api.Client(id="py", redirect_uris=["https://py/cb"])))
again = dex.CreateClient(api.CreateClientReq(client=api.Client(id="py")))
dex.UpdateClient(api.UpdateClientReq(id="py", backchannel_logout_uri="https://py/out"))
seen = dex.GetClient(api.GetClientReq(id="py")).client
try:
    dex.GetClient(api.GetClientReq(id="nobody"))
except grpc.RpcError as error:
    missing = [error.code().name, error.details()]
print(json.dumps({
    "version": dex.GetVersion(api.VersionReq()).api,
    "secret": len(made.client.secret), "again": again.already_exists, "shown": seen.secret,
    "out": seen.backchannel_logout_uri, "missing": missing,
    "keys": [key.state for key in dexts.ListKeys(admin.ListKeysReq()).keys],
    "deleted": dex.DeleteClient(api.DeleteClientReq(id="py")).not_found,
}))
`;
    const { caFile, clientCertFile: certFile, clientKeyFile: keyFile } = tls;
    assert.deepEqual(JSON.parse(await runPython(script, { address: stage.grpc, caFile, certFile, keyFile })), {
      version: 4,
      secret: 50,
      again: true,
      shown: "",
      out: "https://py/out",
      missing: ["UNKNOWN", "not found"],
      keys: ["signing"],
      deleted: false,
    });
  });
});

describe("the client package", { skip: missing(tlsPrograms), timeout: 120_000 }, () => {
  test("works as it is packed, and its types hold", async (t) => {
    const { stage, tls } = await mutualStage(t);
    const folder = databaseFolder(t);
    await run("npm", ["pack", "--silent", "--pack-destination", folder], { cwd: join(root, "packages/client") });
    const modules = join(folder, "node_modules");
    const home = join(modules, "dex-admin-client");
    mkdirSync(home, { recursive: true });
    await run("tar", ["xzf", "dex-admin-client-0.1.0.tgz", "--strip-components=1", "-C", home], { cwd: folder });
    for (const name of ["@grpc", "@types"]) symlinkSync(join(root, "node_modules", name), join(modules, name));
    const program = `
import { readFileSync } from "node:fs";
import { openAdminClient } from "dex-admin-client";
const [address = "", ca = "", cert = "", key = ""] = process.argv.slice(2);
const tls = { ca: readFileSync(ca), cert: readFileSync(cert), key: readFileSync(key) };
const { dex, admin, close } = openAdminClient({ address, tls });
const { client } = await dex.CreateClient({ client: { id: "packed", redirect_uris: ["https://p/cb"] } });
const keys = await admin.ListKeys();
// @ts-expect-error A number is no id.
const wrong = () => dex.GetClient({ id: 1 });
const state: string | undefined = keys.keys[0]?.state;
console.log(JSON.stringify([client?.id, client?.secret.length, state]));
close();
`;
    writeFileSync(join(folder, "program.mts"), program);
    const compiler = join(root, "node_modules/typescript/lib/tsc.js");
    const options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022", "--types", "node"];
    await run(process.execPath, [compiler, ...options, "program.mts"], { cwd: folder });
    const { caFile, clientCertFile, clientKeyFile } = tls;
    const { stdout } = await run(process.execPath, ["program.mts", stage.grpc, caFile, clientCertFile, clientKeyFile], {
      cwd: folder,
    });
    assert.deepEqual(JSON.parse(stdout), ["packed", 50, "signing"]);
  });
});
