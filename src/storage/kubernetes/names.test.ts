import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { kindNames } from "../shared/record-key.ts";
import { base32, isObjectName, nameOfPair, nameOfText, objectNames, userLabelOf } from "./names.ts";

describe("names are Dex's", () => {
  test("of a client or an address", () => {
    const names = {
      foo: "mzxw7s7sttsiiirdeu",
      "example-app": "mv4gc3lqnrss2ylqodf7fhheqqrcgji",
      "admin@example.com": "mfsg22loibsxqylnobwgkltdn5w4x4u44scceizf",
      "jane@example.com": "njqw4zkamv4gc3lqnrss4y3pnxf7fhheqqrcgji",
    };
    for (const [text, name] of Object.entries(names)) assert.equal(nameOfText(text), name);
  });

  test("of a user at a connector, with its collisions", () => {
    const pairs = [
      ["john", "local", "olvwklepe43wg"],
      ["joh", "nlocal", "olvwklepe43wg"],
      ["jane", "local", "fl5aryxkpnft4"],
      ["08a8684b-db88-4b73-90a9-3cd1661f5466", "local", "3opdnr6v5xfwg"],
    ] as const;
    for (const [userId, connectorId, name] of pairs) assert.equal(nameOfPair({ userId, connectorId }), name);
  });
});

test("base32 is that of RFC 4648 §10, in small letters and without padding", () => {
  const vectors = {
    "": "",
    f: "my",
    fo: "mzxq",
    foo: "mzxw6",
    foob: "mzxw6yq",
    fooba: "mzxw6ytb",
    foobar: "mzxw6ytboi",
  };
  for (const [text, encoded] of Object.entries(vectors)) assert.equal(base32(Buffer.from(text)), encoded);
});

test("a key that can be no name is no object's, or has a name of ours; no key becomes a path", () => {
  assert.deepEqual(objectNames("refreshTokens", ["../../secrets/x"]), []);
  assert.deepEqual(objectNames("authCodes", ["UPPER"]), []);
  assert.deepEqual(objectNames("deviceRequests", ["BCDF-GHJK"]), ["bcdf-ghjk"]);
  assert.deepEqual(objectNames("connectors", ["google"]), ["google"]);
  assert.match(objectNames("connectors", ["My LDAP"])[0] ?? "", /^x-[a-z2-7]{52}$/);
  assert.match(objectNames("clients", ["x".repeat(200)])[0] ?? "", /^x-[a-z2-7]{52}$/);
  fc.assert(
    fc.property(fc.constantFrom(...kindNames), fc.string(), fc.string(), (kind, one, other) => {
      for (const name of objectNames(kind, [one, other])) assert.ok(isObjectName(name), name);
    }),
  );
});

test("two users never share a label, which is always a valid one", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), (one, other, connectorId) => {
      const [label, another] = [one, other].map((userId) => userLabelOf({ userId, connectorId }));
      assert.match(label ?? "", /^[a-z2-7]{52}$/);
      assert.equal(label === another, one === other);
    }),
  );
});
