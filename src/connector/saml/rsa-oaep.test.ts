import assert from "node:assert/strict";
import { constants, createHash, generateKeyPairSync, publicEncrypt } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { type OaepWay, openOaep } from "./rsa-oaep.ts";

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const bytes = 256;
const way: OaepWay = { hash: "sha256", mask: "sha1", label: Buffer.from("label") };
const size = 32;

function mask(seed: Buffer, length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 20) }, (_, turn) =>
    createHash("sha1")
      .update(Buffer.concat([seed, Buffer.from([0, 0, 0, turn])]))
      .digest(),
  );
  return Buffer.concat(blocks).subarray(0, length);
}
const xor = (left: Buffer, right: Buffer): Buffer => Buffer.from(left.map((byte, index) => byte ^ (right[index] ?? 0)));

/** RFC 8017 §7.1.1, with whatever a liar wants in each place. */
function close(content: Buffer, { first = 0, label = way.label, padding = 0, separator = 1 } = {}): Buffer {
  const room = bytes - 2 * size - 2 - content.length;
  const hash = createHash("sha256").update(label).digest();
  const data = Buffer.concat([hash, Buffer.alloc(room, padding), Buffer.from([separator]), content]);
  const seed = Buffer.alloc(size, 7);
  const maskedData = xor(data, mask(seed, data.length));
  const block = Buffer.concat([Buffer.from([first]), xor(seed, mask(maskedData, size)), maskedData]);
  return publicEncrypt({ key: publicKey, padding: constants.RSA_NO_PADDING }, block);
}

const open = (wrapped: Buffer) => openOaep(privateKey, wrapped, way);

test("opens what RSA-OAEP with two hashes closed, of any length that fits", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: bytes - 2 * size - 2 }), async (content) => {
      assert.deepEqual(await open(close(Buffer.from(content))), Buffer.from(content));
    }),
    { numRuns: 100 },
  );
});

const key = Buffer.alloc(32, 9);
for (const [what, wrapped] of [
  ["a first byte that is not zero, which Manger's attack counts", close(key, { first: 1 })],
  ["another label", close(key, { label: Buffer.from("other") })],
  ["no label", close(key, { label: Buffer.alloc(0) })],
  ["padding that is not zero", close(key, { padding: 2 })],
  ["no one after the padding", close(Buffer.alloc(32), { separator: 0 })],
  ["another byte in the place of the one", close(key, { separator: 3 })],
] as const) {
  test(`does not open ${what}`, async () => assert.equal(await open(wrapped), undefined));
}

test("opens nothing else, and throws nothing", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ minLength: bytes, maxLength: bytes })),
      fc.constantFrom("sha1", "sha512"),
      async (wrapped, hash) => {
        assert.equal(await openOaep(privateKey, Buffer.from(wrapped), { ...way, mask: "sha1", hash }), undefined);
      },
    ),
    { numRuns: 200 },
  );
});
