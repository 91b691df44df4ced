import assert from "node:assert/strict";
import { createHmac, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import type { SigningAlgorithm, VerifiedToken } from "../contract.ts";
import { algorithms } from "./algorithms.ts";
import { parseCompactJws } from "./compact-jws.ts";
import { type RawJwk, readPublicKey, verifyJws } from "./verification-key.ts";

const encode = (text: string | Uint8Array): string => Buffer.from(text).toString("base64url");
const json = (value: unknown): string => encode(JSON.stringify(value));

interface Pair {
  readonly alg: SigningAlgorithm;
  readonly privateKey: KeyObject;
  readonly jwk: RawJwk;
}

function aPair(alg: SigningAlgorithm): Pair {
  const { crv } = algorithms[alg];
  const { privateKey, publicKey } =
    alg === "RS256"
      ? generateKeyPairSync("rsa", { modulusLength: 2048 })
      : alg === "EdDSA"
        ? generateKeyPairSync("ed25519")
        : generateKeyPairSync("ec", { namedCurve: crv ?? "" });
  const exported = Object.entries(publicKey.export({ format: "jwk" })).map(([name, value]) => [name, String(value)]);
  return { alg, privateKey, jwk: { ...Object.fromEntries(exported), use: "sig", kid: `kid-${alg}`, alg } };
}

const pairs = (["RS256", "ES256", "ES384", "ES512", "EdDSA"] as const).map(aPair);

function signed(
  { alg, privateKey }: Pair,
  payload: string | Uint8Array,
  header: object = { alg, kid: `kid-${alg}` },
): string {
  const input = `${json(header)}.${encode(payload)}`;
  return `${input}.${encode(sign(algorithms[alg].digest, Buffer.from(input), { key: privateKey, dsaEncoding: "ieee-p1363" }))}`;
}

async function check(jwt: string, { jwk }: Pair): Promise<VerifiedToken | undefined> {
  const jws = parseCompactJws(jwt);
  return jws === undefined ? undefined : verifyJws(jws, readPublicKey(jwk));
}

for (const pair of pairs) {
  const { alg } = pair;

  test(`${alg}: a token verifies, and its payload comes back letter for letter`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "grapheme" }), async (text) => {
        assert.deepEqual(await check(signed(pair, text), pair), { kid: `kid-${alg}`, alg, payload: text });
      }),
      { numRuns: 20 },
    );
  });

  test(`${alg}: a flipped bit never verifies`, async () => {
    const jwt = signed(pair, '{"sub":"jane"}');
    await fc.assert(
      fc.asyncProperty(fc.nat(jwt.length - 1), fc.nat(6), async (at, bit) => {
        const flipped = Buffer.from(jwt);
        flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << bit), at);
        assert.equal(await check(flipped.toString("latin1"), pair), undefined);
      }),
      { numRuns: 200 },
    );
  });

  test(`${alg}: a key verifies with its own algorithm only`, async () => {
    for (const other of [...Object.keys(algorithms), "none", "HS256", "RS384", "RS512", "PS256", "toString", ""]) {
      if (other === alg) continue;
      assert.equal(await check(signed(pair, "{}", { alg: other, kid: `kid-${alg}` }), pair), undefined, other);
      assert.throws(() => readPublicKey({ ...pair.jwk, alg: other === "" ? "none" : other }), /unsupported algorithm/);
    }
  });

  test(`${alg}: without alg the key's type decides`, () => {
    const { alg: _, ...old } = pair.jwk;
    assert.equal(readPublicKey(old).jwk.alg, alg);
    assert.equal(readPublicKey({ ...old, alg: "" }).jwk.alg, alg);
  });

  test(`${alg}: shows the members in their order and nothing private`, () => {
    const shown = readPublicKey({ d: "private", k: "secret", key_ops: "sign", ...pair.jwk }).jwk;
    const order = ["use", "kty", "kid", "crv", "alg", "x", "y", "n", "e"];
    assert.deepEqual(
      Object.keys(shown),
      order.filter((name) => pair.jwk[name] !== undefined),
    );
  });
}

test("the public key is no HMAC key", async () => {
  for (const pair of pairs) {
    const input = `${json({ alg: "HS256", kid: `kid-${pair.alg}` })}.${json({ sub: "mallory" })}`;
    const secrets = [JSON.stringify(pair.jwk), readPublicKey(pair.jwk).key.export({ type: "spki", format: "pem" })];
    for (const secret of secrets) {
      assert.equal(
        await check(`${input}.${encode(createHmac("sha256", secret).update(input).digest())}`, pair),
        undefined,
      );
    }
  }
});

test("a payload that is no UTF-8 is no token, even when signed", async () => {
  for (const pair of pairs) assert.equal(await check(signed(pair, Uint8Array.of(0xff, 0xfe)), pair), undefined);
});

test("damaged keys are refused by name", () => {
  const rsa = pairs[0]?.jwk ?? {};
  const ec = pairs[1]?.jwk ?? {};
  const cases: readonly (readonly [RawJwk, RegExp])[] = [
    [{}, /no kid/],
    [{ ...rsa, kid: "" }, /no kid/],
    [{ ...rsa, kty: "oct" }, /key kid-RS256 has the unsupported algorithm/],
    [{ ...ec, crv: "secp256k1" }, /key kid-ES256 has the unsupported algorithm/],
    [{ ...ec, crv: "P-384" }, /key kid-ES256 has the unsupported algorithm/],
    [{ ...ec, x: ec.y ?? "", y: ec.x ?? "" }, /key kid-ES256 cannot be read/],
    [{ ...ec, y: "" }, /key kid-ES256 cannot be read/],
    [{ kty: "RSA", kid: "bare" }, /key bare is an RSA key of fewer than 2048 bits/],
    [
      { ...rsa, n: encode(Buffer.from(rsa.n ?? "", "base64url").subarray(128)) },
      /key kid-RS256 is an RSA key of fewer/,
    ],
  ];
  for (const [jwk, message] of cases) assert.throws(() => readPublicKey(jwk), message);
});
