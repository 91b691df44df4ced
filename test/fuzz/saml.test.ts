import assert from "node:assert/strict";
import { it } from "node:test";
import { fuzzSaml } from "./saml.ts";

it("no mutated response is believed to say what nobody signed, and none breaks the reader", async () => {
  const seed = Date.now() % 2 ** 32;
  const { believed, refusals, findings } = await fuzzSaml(4_000, seed);
  assert.deepEqual(findings, []);
  // The mutations reach what they are for: some do no harm, and many different checks refuse the others.
  assert.ok(believed > 0, `seed ${seed}`);
  for (const check of ["saml.signature.digest", "saml.signature.key", "saml.assertion.place", "saml.signature.place"]) {
    assert.ok(refusals.has(check), `${check} never refused; seed ${seed}`);
  }
});
