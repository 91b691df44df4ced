/** The claim table, a row a test: which scope, or which name, brings which claim about whom. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { NamedClaims } from "../oauth/claims-request.ts";
import { makers } from "../storage/conformance/makers.ts";
import type { Claims } from "../storage/records.ts";
import { mustAuthorize } from "./authorize.ts";
import { claimsJson, type TokenFacts } from "./claims.ts";

const silent = { note: () => undefined };
const facts: TokenFacts = { issuer: "https://id.example/dex", issuedAt: 1, expiresAt: 2, tokenId: "j" };
const whole: Claims = {
  userId: "1",
  username: "Jane Doe",
  preferredUsername: "jane",
  email: "jane@example.com",
  emailVerified: true,
  groups: ["a", "b"],
};
const bare: Claims = { userId: "1", username: "", preferredUsername: "", email: "", emailVerified: false, groups: [] };

interface Row {
  readonly scopes?: string;
  readonly person?: Claims;
  readonly named?: NamedClaims;
  readonly more?: Partial<TokenFacts>;
}

/** The payload without the members that are always there. */
function payload({ scopes = "openid", person = whole, named, more = {} }: Row): Readonly<Record<string, unknown>> {
  const authorized = mustAuthorize(
    {
      client: makers.clients({ id: "app", allowedConnectors: [] }),
      grant: "authorization_code",
      connector: { id: "test", type: "test", grantTypes: [] },
      subject: { userId: person.userId, connectorId: "test" },
      claims: person,
      scopes: scopes.split(" "),
      namedClaims: named,
      trustedBy: new Set(["aa", "bb"]),
      missingFactors: [],
      blockedUntil: 0,
      now: 0,
    },
    silent,
  );
  const { iss, sub, exp, iat, jti, ...rest } = JSON.parse(claimsJson(authorized, { ...facts, ...more }));
  assert.deepEqual([iss, sub, exp, iat, jti], ["https://id.example/dex", "CgExEgR0ZXN0", 2, 1, "j"]);
  return rest;
}

const audience = "audience:server:client_id:";
const rows: readonly (readonly [what: string, row: Row, expected: Readonly<Record<string, unknown>>])[] = [
  ["openid alone says nothing about the person", {}, { aud: "app" }],
  ["email", { scopes: "openid email" }, { aud: "app", email: "jane@example.com", email_verified: true }],
  ["email of nobody known", { scopes: "openid email", person: bare }, { aud: "app", email_verified: false }],
  ["profile", { scopes: "openid profile" }, { aud: "app", name: "Jane Doe", preferred_username: "jane" }],
  ["profile of a nameless person", { scopes: "openid profile", person: bare }, { aud: "app" }],
  ["groups", { scopes: "openid groups" }, { aud: "app", groups: ["a", "b"] }],
  ["groups of a loner", { scopes: "openid groups", person: bare }, { aud: "app" }],
  [
    "federated:id",
    { scopes: "openid federated:id" },
    { aud: "app", federated_claims: { connector_id: "test", user_id: "1" } },
  ],
  ["offline_access", { scopes: "openid offline_access" }, { aud: "app" }],
  ["one peer", { scopes: `openid ${audience}aa` }, { aud: ["aa", "app"], azp: "app" }],
  [
    "peers in the order of the request",
    { scopes: `${audience}bb openid ${audience}aa` },
    { aud: ["bb", "aa", "app"], azp: "app" },
  ],
  ["itself", { scopes: `openid ${audience}app` }, { aud: "app" }],
  ["itself first among peers", { scopes: `openid ${audience}app ${audience}aa` }, { aud: ["app", "aa"], azp: "app" }],
  ["a nonce", { more: { nonce: "n" } }, { aud: "app", nonce: "n" }],
  ["an empty nonce", { more: { nonce: "" } }, { aud: "app" }],
  [
    "when, in which session, how",
    { more: { authTime: 1, sessionId: "s", acr: "1" } },
    { aud: "app", auth_time: 1, sid: "s", acr: "1" },
  ],
  ["hashes", { more: { accessTokenHash: "a", codeHash: "c" } }, { aud: "app", at_hash: "a", c_hash: "c" }],
];

describe("a token holds for", () => {
  for (const [what, row, expected] of rows) it(what, () => assert.deepEqual(payload(row), expected));
});

describe("a claim asked for by name", () => {
  const each: Readonly<Record<string, unknown>> = {
    email: "jane@example.com",
    email_verified: true,
    groups: ["a", "b"],
    name: "Jane Doe",
    preferred_username: "jane",
    federated_claims: { connector_id: "test", user_id: "1" },
  };
  for (const [name, value] of Object.entries(each)) {
    it(`${name} comes alone`, () => {
      assert.deepEqual(payload({ more: { named: [name] } }), { aud: "app", [name]: value });
    });
  }

  it("vanishes when empty, as with its scope", () => {
    assert.deepEqual(payload({ person: bare, more: { named: ["email", "groups", "name", "email_verified"] } }), {
      aud: "app",
      email_verified: false,
    });
  });

  it("that is none of ours brings nothing", () => {
    assert.deepEqual(payload({ more: { named: ["userId", "__proto__", "sub", "constructor"] } }), { aud: "app" });
  });
});

it("members stand in Dex's order", () => {
  const everything = { scopes: `openid email groups profile federated:id ${audience}aa` };
  const more = { nonce: "n", authTime: 1, sessionId: "s", accessTokenHash: "a", codeHash: "c" };
  assert.equal(
    Object.keys(payload({ ...everything, more })).join(" "),
    "aud azp nonce auth_time sid at_hash c_hash email email_verified groups name preferred_username federated_claims",
  );
});
