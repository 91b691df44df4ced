/**
 * Answers of a real OpenBao (openbao-answers.json, written by scripts/record-openbao.ts): the client understands them, and
 * the stand-in that every other test asks gives the same ones.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { z } from "zod";
import { millis } from "../../src/kernel/ports.ts";
import { Secret } from "../../src/kernel/secret.ts";
import type { VaultLogin } from "../../src/signer/vault/settings.ts";
import { aVaultReplica, noTls } from "../../src/signer/vault/testing/a-vault-signer.ts";
import { tlsPrograms } from "../fake/certificates.ts";
import { bodyOf, loopbackServer } from "../fake/loopback-server.ts";
import { startFakeVault } from "../fake/vault.ts";
import { transitTypes, VaultKey } from "../fake/vault-key.ts";
import { type Exchange, playScenes } from "../fake/vault-scenes.ts";
import { withoutOpenbao } from "../peer/openbao.ts";
import { playOnOpenbao } from "../peer/openbao-stage.ts";
import { missing } from "../peer/peer.ts";

const exchange = z.object({
  ...{ scene: z.string(), method: z.string(), path: z.string(), status: z.int() },
  ...{ body: z.unknown(), answer: z.unknown() },
});
const recorded: readonly Exchange[] = z
  .array(exchange)
  .parse(JSON.parse(readFileSync(join(import.meta.dirname, "openbao-answers.json"), "utf8")));
const sceneOf = (name: string): Exchange =>
  recorded.find(({ scene }) => scene === name) ?? assert.fail(`nothing was recorded of ${name}`);

describe("the stand-in", () => {
  it("is asked the same, and answers with the same statuses, members and words", async () => {
    assertAlike(await playOnStandIn(), recorded);
  });
});

describe("a real OpenBao of today", { skip: withoutOpenbao || missing(tlsPrograms) }, () => {
  it("answers as the recorded one did", async () => {
    assertAlike(await playOnOpenbao(), recorded);
  });
});

describe("the signer, answered as OpenBao answered", () => {
  // The recorded questions carry the kid of a recorded key: a client that reads the key wrongly asks for something else.
  it("reads its keys and takes its signatures, which verify", async () => {
    const replay = await startReplay();
    const stage = { ...replay, tokens: { signer: "signer", fixed: "fixed", reader: "reader" } };
    const { jwt } = z.object({ jwt: z.string() }).parse(sceneOf("log in as a pod").body);
    const again = await playScenes({
      ...stage,
      podToken: jwt,
      seal: async () => replay.seal(true),
      unseal: async () => replay.seal(false),
    });
    assert.deepEqual(again, recorded);
    await replay.close();
  });

  it("logs in, and knows how long its token lives", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "dex-replay-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const { jwt } = z.object({ jwt: z.string() }).parse(sceneOf("log in as a pod").body);
    const tokenFile = join(folder, "token");
    writeFileSync(tokenFile, jwt);
    const logins: readonly VaultLogin[] = [
      { method: "appRole", mount: "approle", roleId: "role-id", secretId: new Secret("secret-id") },
      { method: "kubernetes", mount: "kubernetes", role: "dex", tokenFile },
    ];
    for (const login of logins) {
      const replay = await startReplay();
      const replica = await aVaultReplica({
        settings: { address: new URL(replay.url), keyName: "ed25519", login, timeout: millis(2_000), tls: noTls },
      });
      assert.equal((await replica.kids()).length, 2);
      assert.ok(
        replica.log.lines.some(({ event, fields }) => event === "logged in to vault" && fields?.lease === "30s"),
      );
      await replica.clock.advance(19_000, 2);
      assert.equal(replay.count("renew a token"), 0);
      await replica.clock.advance(2_000, 2);
      assert.equal(replay.count("renew a token"), 1, "after two thirds of its life");
      await replica.stop();
      await replay.close();
    }
  });
});

async function playOnStandIn(): Promise<readonly Exchange[]> {
  const vault = await startFakeVault();
  for (const type of transitTypes) {
    const key = new VaultKey(type, Date.now);
    key.rotate();
    vault.keys.set(type, key);
  }
  const archived = new VaultKey("ecdsa-p256", Date.now);
  archived.rotate();
  archived.minDecryptionVersion = 2;
  archived.minEncryptionVersion = 2;
  vault.keys.set("archived", archived);
  const reader = vault.issue();
  vault.readers.add(reader);
  const tokens = { signer: vault.issue(86_400), fixed: vault.issue(86_400, false), reader };
  const toSeal = (isSealed: boolean) => async () => void Object.assign(vault, { isSealed });
  const podToken = vault.roles.kubernetes.jwt;
  try {
    return await playScenes({ url: vault.url, tokens, podToken, seal: toSeal(true), unseal: toSeal(false) });
  } finally {
    await vault.close();
  }
}

/** A server that answers what was recorded for the same question, asked in the same way; 404 to everything else. */
async function startReplay() {
  const asked: string[] = [];
  let isSealed = false;
  const find = (method: string, path: string, body: unknown, token: string): Exchange | undefined => {
    const same = recorded.filter(
      (each) => each.method === method && each.path === path && JSON.stringify(each.body) === JSON.stringify(body),
    );
    const who = { "s.nobody": "nobody issued", reader: "may not", fixed: "cannot be" }[token];
    return (
      same.find(({ status }) => (status === 503) === isSealed) &&
      same.find(({ status, scene }) => (status === 503) === isSealed && (isSealed || isOf(scene, who)))
    );
  };
  const server = await loopbackServer((request, response) => {
    void (async () => {
      const text = await bodyOf(request);
      const path = (request.url ?? "").replace("/v1/", "");
      const token = String(request.headers["x-vault-token"] ?? "");
      const found = find(request.method ?? "", path, text === "" ? null : JSON.parse(text), token);
      asked.push(found?.scene ?? `nothing known: ${request.method} ${path} ${text}`);
      response.writeHead(found?.status ?? 404, { "content-type": "application/json" });
      response.end(JSON.stringify(found?.answer ?? { errors: asked.slice(-1) }));
    })();
  });
  return {
    url: server.url,
    seal: (on: boolean) => {
      isSealed = on;
    },
    count: (scene: string) => asked.filter((each) => each === scene).length,
    close: server.close,
  };
}

const others = ["nobody issued", "may not", "cannot be"];
const isOf = (scene: string, who: string | undefined): boolean =>
  who === undefined
    ? !others.some((other) => scene.includes(`token that ${other}`))
    : scene.includes(`token that ${who}`);

function assertAlike(played: readonly Exchange[], expected: readonly Exchange[]): void {
  assert.deepEqual(
    played.map(({ scene }) => scene),
    expected.map(({ scene }) => scene),
  );
  for (const [at, one] of played.entries()) {
    const other = expected[at];
    assert.deepEqual([one.status, shapeOf(one.answer)], [other?.status, shapeOf(other?.answer)], one.scene);
    assert.deepEqual(
      [one.method, one.path, shapeOf(one.body)],
      [other?.method, other?.path, shapeOf(other?.body)],
      one.scene,
    );
  }
}

/** Names and types; words where Vault says what is wrong, and what kind of signature it is. */
function shapeOf(value: unknown, name = ""): unknown {
  if (typeof value === "string")
    return /^errors?$|algorithm$|^name$|^type$/.test(name) ? value : value.replace(/^(vault:v\d+:)?.*$/s, "$1…");
  if (Array.isArray(value)) return value.map((each) => shapeOf(each, name));
  if (typeof value !== "object" || value === null) return value === null ? "null" : typeof value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted()
      .map(([key, each]) => [key, shapeOf(each, key)]),
  );
}
