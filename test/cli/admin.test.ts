/** `dex admin` as a person and as a script use it: the real program against a whole server, over mutual TLS. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type AdminStage, allFlags, databaseFolder, startAdminStage } from "../admin/stage.ts";
import { makeTestTls, type TestTls, tlsPrograms } from "../fake/certificates.ts";
import { missing } from "../peer/peer.ts";
import { dex, type Finished, type Given } from "./run-dex.ts";

/** Of "trout". */
const tomsHash = "$2a$10$7/WWzIaUdfZ3qgMIpgLdpui0tZWpIl1v/HWtZ1dCBmkuggArG1guy";

describe("dex admin", { skip: missing(tlsPrograms), timeout: 120_000 }, () => {
  let tls: TestTls;
  let stage: AdminStage;
  let reach: Readonly<Record<string, string>>;
  before(async () => {
    tls = makeTestTls({ client: "CN=operator" });
    const grpc = {
      addr: "127.0.0.1:0",
      tlsCert: tls.serverCertFile,
      tlsKey: tls.serverKeyFile,
      tlsClientCA: tls.caFile,
    };
    const own = { ca: Buffer.from(tls.ca), cert: Buffer.from(tls.clientCert), key: Buffer.from(tls.clientKey) };
    stage = await startAdminStage({ grpc, lockout: { firstLock: "10m" } }, allFlags, own);
    reach = {
      DEX_ADMIN_ADDR: stage.grpc,
      DEX_ADMIN_CA: tls.caFile,
      DEX_ADMIN_CERT: tls.clientCertFile,
      DEX_ADMIN_KEY: tls.clientKeyFile,
    };
  });
  after(async () => {
    await stage.close();
    tls.remove();
  });
  const admin = (words: string, given: Given = {}): Promise<Finished> =>
    dex(["admin", ...words.split(" ")], { ...given, env: { ...reach, ...given.env } });

  test("manages clients, and keeps their secrets out of the arguments", async () => {
    const made = await admin("client create --id app --name App --redirect-uri https://a/1 --redirect-uri https://a/2");
    assert.deepEqual([made.code, made.stderr], [0, ""]);
    assert.match(made.stdout, /^id: {6}app\nsecret: {2}[a-z2-7]{50}\n$/);
    assert.equal((await admin("client create --id app")).code, 4);
    const given = await admin("client create --id own --secret-env APP_SECRET", {
      env: { APP_SECRET: "from elsewhere" },
    });
    assert.deepEqual([given.code, given.stdout], [0, "id:  own\n"]);
    const piped = await admin("client create --id piped --secret-stdin", { stdin: "from a pipe\n" });
    assert.deepEqual([piped.code, piped.stdout], [0, "id:  piped\n"]);
    assert.equal((await admin("client create --id x --secret-env UNSET")).code, 2);
    const list = await admin("client list");
    assert.match(list.stdout, /^ID {5}NAME {2}PUBLIC {2}REDIRECT URIS\n/);
    assert.match(list.stdout, /^app {4}App {3}no {6}https:\/\/a\/1 https:\/\/a\/2$/m);
    assert.equal((await admin("client update app --name Other")).stdout, "client app updated\n");
    const { client } = JSON.parse((await admin("client get app --json")).stdout);
    assert.deepEqual([client.name, client.secret, client.redirect_uris], ["Other", "", ["https://a/1", "https://a/2"]]);
    assert.match((await admin("client rotate-secret app")).stdout, /^secret: {2}[a-z2-7]{50}$/m);
    assert.equal((await admin("client delete app")).code, 0);
    const gone = await admin("client delete app");
    assert.deepEqual([gone.code, gone.stdout], [3, "client app not found\n"]);
    assert.deepEqual(
      [(await admin("client get app")).code, (await admin("client get app")).stderr],
      [3, "not found\n"],
    );
  });

  test("manages passwords: hashed here, sent nowhere", async () => {
    const stdin = "correct horse\n";
    assert.equal((await admin("password create ann@example.com --username ann --user-id u1", { stdin })).code, 0);
    assert.equal((await admin("password verify ann@example.com", { stdin })).code, 0);
    assert.equal((await admin("password verify ann@example.com", { stdin: "wrong\n" })).code, 1);
    assert.equal((await admin("password verify nobody@example.com", { stdin })).code, 3);
    assert.equal((await admin("password verify ann@example.com", { stdin: "" })).code, 2);
    assert.equal((await admin("password update ann@example.com --username anna")).code, 0);
    assert.match((await admin("password list")).stdout, /^ann@example.com {2}anna {6}u1$/m);
    assert.ok(!stage.log.some((line) => line.includes("correct horse")));
  });

  test("takes factors away, and says where there is nobody", async () => {
    for (const words of ["factor reset local nobody", "factor delete local nobody --authenticator app"]) {
      assert.equal((await admin(words)).code, 3, words);
    }
  });

  test("shows who waits after wrong passwords, and lets them try again", async () => {
    const password = { email: "tom@example.com", hash: Buffer.from(tomsHash), user_id: "u2" };
    await stage.client.dex.CreatePassword({ password });
    const verify = (stdin: string) => admin("password verify tom@example.com", { stdin });
    for (let count = 0; count < 5; count++)
      await stage.client.dex.VerifyPassword({ email: password.email, password: `guess ${count}` });
    assert.equal((await verify("trout\n")).code, 2);
    const list = await admin("lockout list");
    assert.match(list.stdout, /^CONNECTOR {2}NAME {13}SECRET {4}WHO WAITS {15}WRONG {2}LOCKED UNTIL\n/);
    assert.match(list.stdout, /^local {6}tom@example.com {2}password {2}all but known browsers {2}5 {6}20/m);
    const { accounts } = JSON.parse((await admin("lockout list --json")).stdout);
    assert.deepEqual(
      [accounts.length, accounts[0].kind, accounts[0].name, accounts[0].failures, accounts[0].known_device],
      [1, "password", "tom@example.com", 5, false],
    );
    assert.equal(
      (await admin("lockout lift local Tom@example.com")).stdout,
      "Tom@example.com at local may try again\n",
    );
    assert.equal((await verify("trout\n")).code, 0);
    assert.equal((await admin("lockout lift local tom@example.com")).code, 3);
    assert.deepEqual((await stage.client.admin.ListLockedAccounts()).accounts, []);
  });

  test("manages connectors from YAML", async (t) => {
    const file = join(databaseFolder(t), "settings.yaml");
    writeFileSync(file, "username: kilgore\npassword: trout\n");
    const made = await admin(`connector create pw --type mockPassword --name Password --config ${file}`);
    assert.deepEqual([made.code, made.stderr], [0, ""]);
    const { connectors } = JSON.parse((await admin("connector list --json")).stdout);
    assert.deepEqual(connectors[0].config, { username: "kilgore", password: "trout" });
    assert.match((await admin("connector list")).stdout, /^mock {3}mockCallback {2}Mock {6}all$/m);
    assert.equal((await admin("connector update pw --grant-type password")).code, 0);
    const spoiled = join(databaseFolder(t), "spoiled");
    writeFileSync(spoiled, "password: {secret");
    const refused = await admin(`connector update pw --config ${spoiled}`);
    assert.equal(refused.code, 2);
    assert.ok(!refused.stderr.includes("secret"));
    assert.equal((await admin("connector delete pw")).code, 0);
  });

  test("tells of keys, versions, people and sessions", async () => {
    assert.match((await admin("version")).stdout, /^api: {5}4$/m);
    assert.match((await admin("key list")).stdout, /^\S+ {2}RS256 {6}signing {2}-$/m);
    assert.match((await admin("key rotate")).stdout, /^the next key signs from \d{4}-/);
    for (const words of ["user list", "session list", "refresh list"])
      assert.equal((await admin(words)).code, 0, words);
    assert.equal((await admin("user get local nobody")).code, 3);
    assert.equal((await admin("session delete nobody")).code, 3);
  });

  test("says what it can do, and what was misunderstood", async () => {
    const help = await admin("--help");
    assert.equal(help.code, 0);
    for (const words of ["client create", "password verify EMAIL", "key rotate"])
      assert.ok(help.stdout.includes(words));
    const one = await admin("client create --help");
    assert.match(one.stdout, /--redirect-uri string/);
    assert.equal((await admin("client")).code, 2);
    assert.match((await admin("client frobnicate")).stderr, /unknown command "client frobnicate"/);
    assert.match((await admin("client get")).stderr, /usage: dex admin client get ID/);
    assert.match((await admin("client get x --frob")).stderr, /--frob/);
  });

  test("tells a server that does not answer from one that refuses, and sends nothing in clear over a network", async () => {
    assert.equal((await admin("version --addr 127.0.0.1:1 --timeout 2")).code, 5);
    const stranger = await dex(["admin", "version", "--addr", stage.grpc, "--ca", tls.caFile, "--timeout", "2"]);
    assert.equal(stranger.code, 5);
    const clear = await dex(["admin", "version", "--addr", "dex.example:5557"]);
    assert.equal(clear.code, 2);
    assert.match(clear.stderr, /another machine: give --ca, --tls or --plaintext/);
  });
});
