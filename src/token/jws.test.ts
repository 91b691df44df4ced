import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { SigningAlgorithm } from "../signer/contract.ts";
import { digestFor, encodeJwt, halfHash } from "./jws.ts";

test("at_hash of the vector that Dex pins", () => {
  const token = "ya29.CjHSA1l5WUn8xZ6HanHFzzdHdbXm-14rxnC7JHch9eFIsZkQEGoWzaYG4o7k5f6BnPLj";
  assert.equal(halfHash("RS256", token), "piwt8oCH-K2D9pXlaS1Y-w");
  assert.equal(halfHash("ES256", token), "piwt8oCH-K2D9pXlaS1Y-w");
});

test("the digest follows the algorithm, and its left half has half its bytes", () => {
  const cases: readonly (readonly [SigningAlgorithm, string, number])[] = [
    ["RS256", "sha256", 16],
    ["ES256", "sha256", 16],
    ["ES384", "sha384", 24],
    ["ES512", "sha512", 32],
    ["EdDSA", "sha512", 32],
  ];
  for (const [alg, digest, bytes] of cases) {
    assert.equal(digestFor(alg), digest);
    const left = createHash(digest).update("code").digest().subarray(0, bytes);
    assert.equal(halfHash(alg, "code"), left.toString("base64url"));
  }
});

test("a JWT is header, payload and signature; the header is alg and kid, in this order", async () => {
  const seen: string[] = [];
  const key = {
    kid: "0a",
    alg: "RS256" as const,
    sign: async (input: string) => {
      seen.push(input);
      return "c2ln";
    },
  };
  const jwt = await encodeJwt(key, '{"name":"Zoë"}');
  assert.equal(jwt, `${seen[0]}.c2ln`);
  const [header, payload] = jwt.split(".").map((part) => Buffer.from(part, "base64url").toString());
  assert.equal(header, '{"alg":"RS256","kid":"0a"}');
  assert.equal(payload, '{"name":"Zoë"}');
  // Another key with the same name has a header of its own.
  const other = await encodeJwt({ ...key, alg: "ES256" }, "{}");
  assert.equal(Buffer.from(other.split(".")[0] ?? "", "base64url").toString(), '{"alg":"ES256","kid":"0a"}');
});
