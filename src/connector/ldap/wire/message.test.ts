import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { BerError, element, integer, octets, readHeader, sequence } from "./ber.ts";
import { decodeMessage, nextPage, pagedResults, passwordPolicyError } from "./message.ts";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");
const result = (code: number, diagnostic = ""): Buffer =>
  Buffer.concat([integer(code, 0x0a), octets(""), octets(diagnostic)]);

describe("a message", () => {
  it("says how a bind ended", () => {
    const bytes = sequence(integer(7), element(0x61, result(49, "no\u00e9")));
    assert.deepEqual(decodeMessage(bytes), {
      id: 7,
      controls: [],
      kind: "bound",
      result: { code: 49, diagnostic: "no\u00e9" },
    });
  });

  it("holds an entry with its values as they are", () => {
    const attribute = sequence(octets("objectGUID"), element(0x31, octets(hex("00ff")), octets("")));
    const bytes = sequence(integer(2), element(0x64, octets("cn=\u00c5sa"), sequence(attribute)));
    assert.deepEqual(decodeMessage(bytes), {
      id: 2,
      controls: [],
      kind: "entry",
      entry: { dn: "cn=\u00c5sa", attributes: [{ name: "objectGUID", values: [hex("00ff"), hex("")] }] },
    });
  });

  it("keeps a byte order mark, since two values that differ by one are two", () => {
    const bytes = sequence(integer(2), element(0x64, octets("\ufeffcn=x"), sequence()));
    const message = decodeMessage(bytes);
    assert.equal(message.kind === "entry" ? message.entry.dn : "", "\ufeffcn=x");
  });

  for (const [what, bytes] of [
    ["cut off before the result of a bind, which is no success", hex("3005 020102 6100")],
    ["cut off within the result", hex("3008 020102 6103 0a0100")],
    ["of which an element is longer than its message", hex("3005 020102 6105")],
    ["with an attribute that is longer than the entry", hex("3011 020102 640c 0400 3008 3020 0400 31020400")],
    ["with the indefinite length", hex("3080 020102 0000")],
    ["with a number of no bytes", hex("3009 0200 6107 0a0100 0400 0400")],
    ["with a DN that is no UTF-8", hex("300a 020102 6405 0401ff 3000")],
    ["with an operation that a client sends", hex("3005 020102 4200")],
    ["with something behind it", hex("300c 020102 6107 0a0100 0400 0400 00")],
    ["with something behind the operation", hex("300e 020102 6107 0a0100 0400 0400 0400")],
  ] as const) {
    it(`is refused: ${what}`, () => assert.throws(() => decodeMessage(bytes), BerError));
  }

  it("is a message or refused, whatever the bytes", () => {
    const paged = pagedResults(5, Buffer.from("x"));
    const good = sequence(
      integer(5),
      element(0x64, octets("cn=x"), sequence(sequence(octets("a"), element(0x31, octets("b"), octets("c"))))),
      element(0xa0, sequence(octets(paged.oid), octets(paged.value ?? ""))),
    );
    const spoilt = fc
      .tuple(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length))
      .map(([at, byte, end]) => Buffer.concat([good.subarray(0, at), Buffer.from([byte]), good.subarray(at + 1, end)]));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }).map(Buffer.from), spoilt), (bytes) => {
        try {
          const { controls } = decodeMessage(bytes);
          nextPage(controls);
          passwordPolicyError(controls);
        } catch (error) {
          assert.ok(error instanceof BerError, String(error));
        }
      }),
      { numRuns: 5_000 },
    );
  });
});

describe("a length", () => {
  it("is read as it is written", () => {
    fc.assert(
      fc.property(fc.nat(70_000), (length) => {
        const bytes = element(0x04, Buffer.alloc(length));
        assert.deepEqual(readHeader(bytes, 0, length), { contentAt: bytes.length - length, length });
      }),
    );
  });

  it("is believed up to a limit, and awaited while it is not whole", () => {
    assert.throws(() => readHeader(hex("30840fffffff"), 0, 1000), BerError);
    assert.throws(() => readHeader(hex("3084ffffffff"), 0, 1000), BerError);
    for (const text of ["", "30", "3082", "308201"]) assert.equal(readHeader(hex(text), 0, 1000), undefined);
  });
});

describe("a control", () => {
  it("says where the next page begins", () => {
    assert.deepEqual(nextPage([pagedResults(0, Buffer.from("cookie"))]), Buffer.from("cookie"));
    assert.equal(nextPage([pagedResults(0, Buffer.alloc(0))]), undefined);
    assert.equal(nextPage([]), undefined);
  });

  it("says what is wrong with a password", () => {
    const control = (text: string) => [{ oid: "1.3.6.1.4.1.42.2.27.8.5.1", value: hex(text) }];
    assert.equal(passwordPolicyError(control("3003 810100")), 0);
    assert.equal(passwordPolicyError(control("3008 a003 800107 810101")), 1);
    assert.equal(passwordPolicyError(control("3005 a003 800107")), undefined);
    assert.equal(passwordPolicyError(control("3000")), undefined);
    assert.equal(passwordPolicyError([]), undefined);
  });
});
