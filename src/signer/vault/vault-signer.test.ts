import assert from "node:assert/strict";
import { test } from "node:test";
import { calculateJwkThumbprint, compactVerify, createLocalJWKSet } from "jose";
import { transitTypes } from "../../../test/fake/vault-key.ts";
import { UnavailableError } from "../../kernel/errors.ts";
import { millis } from "../../kernel/ports.ts";
import { Secret } from "../../kernel/secret.ts";
import { aVaultReplica, type VaultReplica } from "./testing/a-vault-signer.ts";

const second = 1_000;
const minute = 60 * second;
/** A cached key set's five seconds, and fifteen of slack. */
const lead = 20 * second;

const kidOf = (jwt: string): string => JSON.parse(Buffer.from(jwt.split(".")[0] ?? "", "base64url").toString()).kid;
const signCalls = ({ vault }: VaultReplica): number => vault.count("transit/sign/dex");
const away = (message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof UnavailableError, String(error));
  assert.equal(error.dependency, "signer");
  assert.match(error.message, message);
  return true;
};

for (const type of transitTypes) {
  test(`${type}: a stranger's library takes the token, and the kid is the key's thumbprint`, async () => {
    const replica = await aVaultReplica({ type });
    const jwt = await replica.token('{"sub":"jane"}');
    const [jwk, ...more] = await replica.signer.publicKeys();
    assert.ok(jwk !== undefined && more.length === 0);
    assert.equal(jwk.kid, await calculateJwkThumbprint({ ...jwk }));
    const { payload } = await compactVerify(jwt, createLocalJWKSet({ keys: [{ ...jwk }] }));
    assert.equal(Buffer.from(payload).toString(), '{"sub":"jane"}');
    assert.equal((await replica.signer.verify(jwt))?.payload, '{"sub":"jane"}');
    await replica.stop();
  });
}

test("what is asked for in one turn goes in one call, and no request reads the key", async () => {
  const replica = await aVaultReplica();
  await replica.signer.current();
  const reads = replica.vault.count("transit/keys/dex");
  const tokens = await Promise.all(Array.from({ length: 200 }, (_, at) => replica.token(`{"at":${at}}`)));
  assert.equal(signCalls(replica), 1);
  assert.equal(replica.vault.count("transit/keys/dex"), reads);
  for (const [at, jwt] of tokens.entries()) {
    assert.equal((await replica.signer.verify(jwt))?.payload, `{"at":${at}}`);
  }
  await replica.stop();
});

test("a rotation in Vault is public within a second, signs once every cached key set has it, and the old one fades", async () => {
  const replica = await aVaultReplica();
  const { vault, wind } = replica;
  const [first] = await replica.kids();
  vault.keys.get("dex")?.rotate();
  await wind(second);
  const [signing, next, ...none] = await replica.kids();
  assert.deepEqual([signing, none], [first, []]);
  assert.ok(next !== undefined);
  const early = await replica.token();
  assert.equal(kidOf(early), first);
  assert.ok(await replica.signer.verify(early));

  await wind(lead - 2 * second);
  assert.equal(kidOf(await replica.token()), first);
  await wind(second);
  const late = await replica.token();
  assert.equal(kidOf(late), next);
  assert.deepEqual(await replica.kids(), [next, first]);
  assert.ok(await replica.signer.verify(early));

  await wind(lead + minute);
  assert.deepEqual(await replica.kids(), [next, first]);
  await wind(second);
  assert.deepEqual(await replica.kids(), [next]);
  assert.equal(await replica.signer.verify(early), undefined);
  assert.ok(await replica.signer.verify(late));
  const events = replica.log.lines.map(({ event }) => event);
  assert.deepEqual(events, ["keys rotated", "next signing key published", "keys rotated"]);
  await replica.stop();
});

test("fifty at a time while Vault rotates again and again: each token verifies on every replica", async () => {
  const one = await aVaultReplica({ fake: { latency: 2 } });
  const two = await aVaultReplica({ vault: one.vault, clock: one.clock });
  const kids = new Set<string>();
  for (let round = 0; round < 12; round++) {
    const signed = Promise.all(Array.from({ length: 50 }, (_, at) => (at % 2 === 0 ? one : two).token()));
    if (round % 3 === 0) one.vault.keys.get("dex")?.rotate();
    const tokens = await signed;
    await one.clock.advance(lead / 2, 4);
    for (const jwt of tokens) {
      kids.add(kidOf(jwt));
      assert.ok((await one.signer.verify(jwt)) && (await two.signer.verify(jwt)), `round ${round}`);
    }
  }
  assert.ok(kids.size >= 4, `${kids.size} versions signed`);
  await two.stop();
  await one.stop();
});

test("a server that starts after a rotation waits only for what is left of its publication", async () => {
  const first = await aVaultReplica();
  await first.signer.current();
  first.vault.keys.get("dex")?.rotate();
  await first.wind(lead - second);
  const later = await aVaultReplica({ vault: first.vault, clock: first.clock });
  const old = kidOf(await first.token());
  assert.equal(kidOf(await later.token()), old);
  await first.clock.advance(second, 4);
  assert.notEqual(kidOf(await later.token()), old);
  assert.equal(kidOf(await first.token()), kidOf(await later.token()));
  await later.stop();
  await first.stop();
});

test("versions that the operator archives are gone within a second, and the one that is left signs at once", async () => {
  const replica = await aVaultReplica();
  const before = await replica.token();
  const key = replica.vault.keys.get("dex");
  key?.rotate();
  if (key !== undefined) key.minDecryptionVersion = 2;
  await replica.wind(second);
  assert.equal(await replica.signer.verify(before), undefined);
  const after = await replica.token();
  assert.deepEqual(await replica.kids(), [kidOf(after)]);
  assert.notEqual(kidOf(after), kidOf(before));
  await replica.stop();
});

test("a version that Vault will not sign with any more is left at once", async () => {
  const replica = await aVaultReplica();
  const before = await replica.token();
  const key = replica.vault.keys.get("dex");
  key?.rotate();
  if (key !== undefined) key.minEncryptionVersion = 2;
  await assert.rejects(replica.token(), away(/did not sign/));
  await replica.wind(second);
  assert.notEqual(kidOf(await replica.token()), kidOf(before));
  assert.ok(await replica.signer.verify(before));
  await replica.stop();
});

test("sealed: no signature, everything else goes on, and it heals", async () => {
  const replica = await aVaultReplica();
  const jwt = await replica.token();
  replica.vault.isSealed = true;
  const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => replica.token()));
  for (const outcome of outcomes) {
    assert.ok(outcome.status === "rejected");
    away(/Vault is sealed/)(outcome.reason);
  }
  await replica.clock.advance(second, 1);
  assert.ok(await replica.signer.verify(jwt));
  assert.equal((await replica.kids()).length, 1);
  replica.vault.isSealed = false;
  assert.ok(await replica.signer.verify(await replica.token()));
  await replica.stop();
});

test("slow: nobody waits longer than the timeout, however many wait", async () => {
  const replica = await aVaultReplica({ settings: { timeout: millis(300) } });
  await replica.signer.current();
  replica.vault.latency = 2_000;
  const begun = performance.now();
  const outcomes = await Promise.allSettled(
    Array.from({ length: 40 }, async (_, at) => {
      await new Promise((resolve) => setTimeout(resolve, at * 5));
      return replica.token();
    }),
  );
  assert.ok(performance.now() - begun < 1_500, `${performance.now() - begun} ms`);
  for (const outcome of outcomes) {
    assert.ok(outcome.status === "rejected");
    away(/no answer within 0\.3 s/)(outcome.reason);
  }
  assert.ok(signCalls(replica) < 20);
  replica.vault.latency = 0;
  assert.ok(await replica.token());
  await replica.stop();
});

test("gone: refused while it is away, and it heals on the same address", async () => {
  const replica = await aVaultReplica();
  const jwt = await replica.token();
  await replica.vault.die();
  await assert.rejects(replica.token(), away(/vault sign: POST .*\/v1\/transit\/sign\/dex: /));
  assert.ok(await replica.signer.verify(jwt));
  await replica.vault.rise();
  assert.ok(await replica.token());
  await replica.stop();
});

test("a start without Vault: it says why, and serves within a second of its coming", async () => {
  const replica = await aVaultReplica({ prepare: (vault) => vault.die() });
  await assert.rejects(replica.signer.current(), away(/no signing key is loaded: failed to read key from vault: /));
  await replica.vault.rise();
  await replica.clock.advance(second, 1);
  assert.ok(await replica.token());
  assert.deepEqual(
    replica.log.lines.filter(({ level }) => level === "error").map(({ event }) => event),
    ["failed to read key from vault"],
  );
  await replica.stop();
});

for (const [status, words] of [
  [500, /500 1 error occurred: \* internal error/],
  [502, /502/],
  [429, /429/],
] as const) {
  test(`${status} to a signature is an outage, not a fault of ours`, async () => {
    const replica = await aVaultReplica();
    await replica.signer.current();
    replica.vault.signStatus = status;
    await assert.rejects(replica.token(), away(words));
    replica.vault.signStatus = undefined;
    assert.ok(await replica.token());
    await replica.stop();
  });
}

test("a key that is not there is named", async () => {
  const replica = await aVaultReplica({ settings: { keyName: "nobody" } });
  await assert.rejects(replica.signer.current(), away(/key "nobody" not found in vault \(transit\/keys\/nobody\)/));
  await replica.stop();
});

test("a policy that lacks a path is named", async () => {
  const replica = await aVaultReplica();
  await replica.signer.current();
  replica.vault.forbidden.add("transit/sign/dex");
  await assert.rejects(
    replica.token(),
    away(/403 .*permission denied .*\(the token needs update on transit\/sign\/dex\)/),
  );
  await replica.stop();
});

test("the namespace goes with every call", async () => {
  const replica = await aVaultReplica({
    settings: { namespace: "team-a" },
    fake: { namespace: "team-a" },
  });
  assert.ok(await replica.token());
  assert.ok(replica.vault.requests.every(({ headers }) => headers["x-vault-request"] === "true"));
  await replica.stop();
});

test("the token stands in no log line and no error", async () => {
  const replica = await aVaultReplica();
  await replica.signer.current();
  const secret = String(replica.vault.requests[0]?.headers["x-vault-token"]);
  replica.vault.revokeAll();
  const error = await replica.token().then(assert.fail, (reason: unknown) => reason);
  assert.ok(error instanceof Error);
  const said = [error.stack, error.cause, ...replica.log.lines.map((line) => [line.event, line.fields, line.cause])];
  assert.ok(
    !JSON.stringify(said, (_, value) => (value instanceof Error ? { ...value, m: value.stack } : value)).includes(
      secret,
    ),
  );
  assert.ok(new Secret(secret).toString() === "[secret]");
  await replica.stop();
});
