import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseClaimsRequest, scopesAskedFor } from "./claims-request.ts";

const parse = (value: unknown) => parseClaimsRequest(JSON.stringify(value));

test("names what we hold, for each place, and drops the rest", () => {
  const example = {
    userinfo: { given_name: { essential: true }, nickname: null, email: { essential: true }, acr: null },
    id_token: { auth_time: { essential: true }, groups: null, acr: { values: ["1", 2] }, name: { values: ["x"] } },
  };
  assert.deepEqual(parse(example), {
    idToken: ["groups", "acr", "name"],
    userinfo: ["email"],
    acrValues: ["1"],
    acrIsEssential: false,
  });
});

test("acr is essential only with values to meet", () => {
  assert.equal(parse({ id_token: { acr: { essential: true } } })?.acrIsEssential, false);
  const one = parse({ id_token: { acr: { essential: true, value: "2" } } });
  assert.deepEqual([one?.acrIsEssential, one?.acrValues], [true, ["2"]]);
  assert.equal(parse({ id_token: { acr: { values: ["2"] } } })?.acrIsEssential, false);
});

test("a sub with a value is the one person; without one it is nothing", () => {
  assert.equal(parse({ id_token: { sub: { value: "abc" } } })?.subject, "abc");
  assert.equal(parse({ id_token: { sub: null }, userinfo: { sub: { value: "abc" } } })?.subject, undefined);
});

test("what is not understood is ignored: other members, other places", () => {
  const extended = { other: 1, id_token: { email: { essential: false, purpose: "x" } }, userinfo: null };
  assert.deepEqual(parse(extended)?.idToken, ["email"]);
});

const malformed = [
  "",
  "{",
  "null",
  "[]",
  '"email"',
  "1",
  '{"id_token":[]}',
  '{"id_token":"email"}',
  '{"userinfo":{"email":true}}',
  '{"userinfo":{"email":"x"}}',
  '{"userinfo":{"email":[]}}',
  '{"userinfo":{"email":{"essential":"true"}}}',
  '{"id_token":{"acr":{"values":"1"}}}',
];
for (const text of malformed) {
  test(`${text === "" ? "nothing" : text} is malformed`, () => assert.equal(parseClaimsRequest(text), undefined));
}

test("any text is parsed or refused, and names nothing that we do not hold", () => {
  const known = new Set(["email", "email_verified", "groups", "name", "preferred_username", "federated_claims", "acr"]);
  const request = fc.record({ essential: fc.anything(), value: fc.anything(), values: fc.anything() });
  const claim = fc.constantFrom(...known, "sub", "__proto__", "constructor", "x");
  const member = fc.dictionary(claim, fc.oneof(fc.constant(null), request, fc.anything()));
  const anything = fc.oneof(fc.string(), fc.json());
  const shaped = fc.record({ id_token: member, userinfo: member }).map((value) => {
    try {
      return JSON.stringify(value);
    } catch {
      return "{";
    }
  });
  fc.assert(
    fc.property(fc.oneof(anything, shaped), (text) => {
      const claims = parseClaimsRequest(text);
      for (const name of [...(claims?.idToken ?? []), ...(claims?.userinfo ?? [])]) assert.ok(known.has(name), name);
      assert.ok(!(claims?.userinfo.includes("acr") ?? false));
    }),
  );
});

test("a named claim is asked for as the scope it is part of", () => {
  const named = { idToken: ["email", "acr"], userinfo: ["name", "federated_claims"] };
  assert.deepEqual(scopesAskedFor(["openid", "email"], named), ["openid", "email", "profile", "federated:id"]);
  assert.deepEqual(scopesAskedFor(["openid"], undefined), ["openid"]);
});
