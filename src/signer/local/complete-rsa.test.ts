import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { completeRsa } from "./complete-rsa.ts";

test("finds the members that were left out, exactly as a generator makes them", () => {
  for (let round = 0; round < 3; round++) {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const whole: Record<string, string> = {};
    for (const [name, value] of Object.entries(privateKey.export({ format: "jwk" })))
      if (typeof value === "string") whole[name] = value;
    const { dp: _dp, dq: _dq, qi: _qi, ...bare } = whole;
    assert.deepEqual(completeRsa(bare), whole);
    assert.equal(completeRsa(whole), whole);
  }
});

test("leaves other keys alone and refuses nonsense without a hang", () => {
  const ec = { kty: "EC", d: "AQ" };
  assert.equal(completeRsa(ec), ec);
  for (const [p, q] of [
    ["", ""],
    ["AQ", "AQ"],
    ["Bg", "CQ"],
    ["BA", "BA"],
  ] as const) {
    assert.throws(() => completeRsa({ kty: "RSA", d: "Aw", p, q }));
  }
});
