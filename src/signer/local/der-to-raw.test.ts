import assert from "node:assert/strict";
import { generateKeyPairSync, sign, verify } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { derToRaw } from "./der-to-raw.ts";

const curves = [
  ["P-256", 32, "sha256"],
  ["P-384", 48, "sha384"],
  ["P-521", 66, "sha512"],
] as const;

/** An encoder of its own, so that the decoder is not measured against itself. X.690 §8.1, §8.3. */
function derOf(r: bigint, s: bigint): Buffer {
  const element = (tag: number, content: Buffer): Buffer => {
    const length = content.length > 127 ? [0x81, content.length] : [content.length];
    return Buffer.concat([Buffer.from([tag, ...length]), content]);
  };
  const integer = (value: bigint): Buffer => {
    const hex = value.toString(16);
    const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
    return element(0x02, (bytes[0] ?? 0) > 127 ? Buffer.concat([Buffer.of(0), bytes]) : bytes);
  };
  return element(0x30, Buffer.concat([integer(r), integer(s)]));
}

const rawOf = (value: bigint, size: number): string => value.toString(16).padStart(2 * size, "0");

for (const [namedCurve, size, digest] of curves) {
  test(`${namedCurve}: what OpenSSL signed as DER verifies as r‖s`, () => {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve });
    const key = { key: publicKey, dsaEncoding: "ieee-p1363" } as const;
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (message) => {
        const raw = derToRaw(sign(digest, message, privateKey), size);
        assert.equal(raw.length, sign(digest, message, { key: privateKey, dsaEncoding: "ieee-p1363" }).length);
        assert.ok(verify(digest, message, key, raw));
      }),
    );
  });

  test(`${namedCurve}: numbers of any length are padded to the curve's`, () => {
    const number = fc
      .integer({ min: 0, max: size * 8 })
      .chain((bits) => fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n }));
    fc.assert(
      fc.property(number, number, (r, s) => {
        assert.equal(derToRaw(derOf(r, s), size).toString("hex"), rawOf(r, size) + rawOf(s, size));
      }),
    );
  });

  test(`${namedCurve}: anything else is refused, never misread`, () => {
    const cut = fc.record({ at: fc.nat(150), byte: fc.nat(255) });
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 1n << BigInt(size * 8 - 2) }), cut, (r, { at, byte }) => {
        const der = derOf(r, r);
        assert.throws(() => derToRaw(der.subarray(0, at % der.length), size), /not a DER signature/);
        assert.throws(() => derToRaw(Buffer.concat([der, Buffer.of(byte)]), size), /not a DER signature/);
      }),
    );
    assert.throws(() => derToRaw(derOf(1n << BigInt(size * 8), 1n), size), /not a DER signature/);
  });
}

test("random bytes give a signature of the right length or that one error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      try {
        assert.equal(derToRaw(bytes, 32).length, 64);
      } catch (error) {
        assert.ok(error instanceof Error);
        assert.equal(error.message, "not a DER signature of this curve");
      }
    }),
  );
});
