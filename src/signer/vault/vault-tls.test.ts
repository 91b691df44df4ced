/** The way to a Vault that speaks TLS: whom we trust, what we show, and what happens when the files change. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { newAuthority } from "../../../test/fake/certificates.ts";
import { missing } from "../../../test/peer/peer.ts";
import { UnavailableError } from "../../kernel/errors.ts";
import type { VaultTls } from "./settings.ts";
import { aVaultReplica, noTls, type VaultReplica } from "./testing/a-vault-signer.ts";

const second = 1_000;
const skip = missing({ openssl: "openssl" });

const folder = mkdtempSync(join(tmpdir(), "dex-vault-tls-"));
after(() => rmSync(folder, { recursive: true }));
function fileOf(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

describe("TLS", { skip }, () => {
  const authority = newAuthority();
  const stranger = newAuthority();
  const identity = authority.issue(["vault.example"]);
  const own = authority.issue(["dex"]);
  const caCert = fileOf("ca.crt", authority.cert);
  const start = (tls: Partial<VaultTls>, mutual = false): Promise<VaultReplica> =>
    aVaultReplica({
      tls: { ...identity, ...(mutual ? { ca: authority.cert } : {}) },
      settings: { tls: { ...noTls, ...tls } },
    });
  const signs = async (tls: Partial<VaultTls>, mutual = false): Promise<VaultReplica> => {
    const replica = await start(tls, mutual);
    assert.ok(await replica.signer.verify(await replica.token()));
    return replica;
  };
  /** Vault saw no request, so no token either. */
  const refuses = async (why: RegExp, tls: Partial<VaultTls>, mutual = false): Promise<void> => {
    const replica = await start(tls, mutual);
    await assert.rejects(replica.token(), (error) => {
      assert.ok(error instanceof UnavailableError);
      assert.match(error.message, why);
      return true;
    });
    assert.deepEqual(replica.vault.requests, []);
    await replica.stop();
  };

  test("an authority counts from a file, from a text and from a folder, and nobody else's does", async () => {
    const caPath = join(folder, "authorities");
    mkdirSync(caPath);
    writeFileSync(join(caPath, "one.pem"), stranger.cert);
    writeFileSync(join(caPath, "two.pem"), authority.cert);
    for (const tls of [{ caCert }, { caBytes: authority.cert }, { caPath }]) await (await signs(tls)).stop();
    await refuses(/self-signed certificate in certificate chain|unable to verify/, {});
    await refuses(/self-signed certificate|unable to/, { caCert: fileOf("stranger.crt", stranger.cert) });
    await refuses(/self-signed certificate|unable to/, { caCert: join(caPath, "one.pem"), caBytes: authority.cert });
  });

  test("whatever it shows is taken where that is asked for", async () => {
    await (await signs({ insecureSkipVerify: true })).stop();
  });

  test("the certificate must carry the name that is set, which is asked for too", async () => {
    const replica = await signs({ caCert, serverName: "vault.example" });
    assert.ok(replica.vault.requests.every(({ serverName }) => serverName === "vault.example"));
    await replica.stop();
    await refuses(/does not match certificate's altnames/, { caCert, serverName: "other.example" });
  });

  test("a client certificate is shown to a Vault that wants one", async () => {
    const clientCert = fileOf("client.crt", own.cert);
    const clientKey = fileOf("client.key", own.key);
    await (await signs({ caCert, clientCert, clientKey }, true)).stop();
    await refuses(/certificate required|ECONNRESET|socket|alert/i, { caCert }, true);
    const other = stranger.issue();
    const wrong = { clientCert: fileOf("other.crt", other.cert), clientKey: fileOf("other.key", other.key) };
    await refuses(/unknown ca|ECONNRESET|socket|alert/i, { caCert, ...wrong }, true);
  });

  test("files that cannot be used are named at once", async () => {
    const missingFile = join(folder, "nobody");
    await assert.rejects(start({ caCert: missingFile }), new RegExp(`${missingFile} cannot be read`));
    await assert.rejects(start({ caPath: missingFile }), new RegExp(`${missingFile} cannot be read`));
    const empty = fileOf("empty", "no certificate\n");
    await assert.rejects(start({ caCert: empty }), new RegExp(`${empty}: no certificate in it`));
    const clientCert = fileOf("half.crt", own.cert);
    const clientKey = fileOf("half.key", authority.issue().key);
    await assert.rejects(start({ clientCert, clientKey }), /half\.crt and .*half\.key cannot be used/);
  });

  test("Vault moves to another authority, and the files after it: no restart, and half a replacement is none", async () => {
    const files = { caCert: join(folder, "r.ca"), clientCert: join(folder, "r.crt"), clientKey: join(folder, "r.key") };
    writeFileSync(files.caCert, authority.cert);
    writeFileSync(files.clientCert, own.cert);
    writeFileSync(files.clientKey, own.key);
    const replica = await signs(files, true);
    const next = stranger.issue();
    const errors = () => replica.log.lines.filter(({ event }) => event === "failed to reload certificates for vault");

    writeFileSync(files.clientCert, next.cert);
    await replica.clock.advance(30 * second, 3);
    assert.equal(errors().length, 1, "said once");
    assert.ok(await replica.token(), "the pair before stays");

    replica.vault.present({ ...stranger.issue(), ca: stranger.cert });
    await assert.rejects(replica.token(), UnavailableError);
    writeFileSync(files.caCert, stranger.cert);
    writeFileSync(files.clientKey, next.key);
    await replica.clock.advance(10 * second, 3);
    assert.ok(replica.log.lines.some(({ event }) => event === "certificates for vault reloaded"));
    assert.ok(await replica.signer.verify(await replica.token()));
    await replica.stop();
  });
});
