/** From claims to an identity, in Dex's cases and our own. compat(dex): connector/oidc/oidc_test.go. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Claims } from "../shared/claims.ts";
import { identityReader, withUserInfo } from "./claims.ts";
import { oidcConfig } from "./config.ts";

type Json = Readonly<Record<string, unknown>>;
const claimsOf = (json: Json): Claims => new Map(Object.entries(json));
const read = (config: Json, claims: Json) => identityReader(oidcConfig.parse(config))(claimsOf(claims));

const jane = { sub: "subvalue", name: "namevalue", email: "emailvalue", email_verified: true };

interface Case {
  readonly name: string;
  readonly config?: Json;
  readonly claims: Json;
  readonly expected: Json | RegExp;
}

const table: readonly Case[] = [
  {
    name: "the standard claims",
    config: { insecureEnableGroups: true },
    claims: { ...jane, groups: ["group1", "group2"] },
    expected: {
      userId: "subvalue",
      username: "namevalue",
      email: "emailvalue",
      emailVerified: true,
      groups: ["group1", "group2"],
    },
  },
  { name: "no groups unless they are wanted", claims: { ...jane, groups: ["a"] }, expected: { groups: [] } },
  {
    name: "an address by another name",
    config: { claimMapping: { email: "mail" } },
    claims: { ...jane, email: undefined, mail: "mailvalue" },
    expected: { email: "mailvalue" },
  },
  {
    name: "the standard claim wins over the mapped one",
    config: { claimMapping: { email: "mail", preferred_username: "login" } },
    claims: { ...jane, mail: "mailvalue", preferred_username: "p", login: "l" },
    expected: { email: "emailvalue", preferredUsername: "p" },
  },
  {
    name: "unless it must give way",
    config: { overrideClaimMapping: true, claimMapping: { email: "custommail", preferred_username: "login" } },
    claims: { ...jane, custommail: "customvalue", preferred_username: "p" },
    expected: { email: "customvalue", preferredUsername: undefined },
  },
  {
    name: "and then it must be there",
    config: { overrideClaimMapping: true, claimMapping: { email: "custommail" } },
    claims: jane,
    expected: /missing email claim, not found "custommail" key/,
  },
  { name: "no address", claims: { ...jane, email: undefined }, expected: /missing email claim, not found "email" key/ },
  {
    name: "no address and none wanted",
    config: { scopes: ["groups"] },
    claims: { sub: "s", name: "n" },
    expected: { email: undefined, emailVerified: false },
  },
  {
    name: "an address that nobody asked for is told",
    config: { scopes: ["groups"] },
    claims: { sub: "s", name: "n", email: "e" },
    expected: { email: "e", emailVerified: false },
  },
  {
    name: "email_verified that is missing",
    claims: { ...jane, email_verified: undefined },
    expected: /missing "email_verified" claim/,
  },
  { name: "email_verified as text", claims: { ...jane, email_verified: "true" }, expected: /missing "email_verified"/ },
  {
    name: "email_verified skipped",
    config: { insecureSkipEmailVerified: true },
    claims: { ...jane, email_verified: undefined },
    expected: { emailVerified: true },
  },
  {
    name: "an explicit no stays one",
    config: { insecureSkipEmailVerified: true },
    claims: { ...jane, email_verified: false },
    expected: { emailVerified: false },
  },
  {
    name: "another claim as id and as name",
    config: { userIDKey: "oid", userNameKey: "login" },
    claims: { ...jane, oid: "o", login: "" },
    expected: { userId: "o", username: "" },
  },
  { name: "no sub", claims: { ...jane, sub: 42 }, expected: /missing "sub" claim/ },
  {
    name: "an id that is a number",
    config: { userIDKey: "n" },
    claims: { ...jane, n: 1 },
    expected: /not found n claim/,
  },
  { name: "an empty id", claims: { ...jane, sub: "" }, expected: /user id is empty/ },
  { name: "an id that has no bytes", claims: { ...jane, sub: "a\ud800" }, expected: /missing "sub" claim/ },
  { name: "no name", claims: { ...jane, name: undefined }, expected: /missing "name" claim/ },
  {
    name: "an id key that every object has",
    config: { userIDKey: "constructor" },
    claims: jane,
    expected: /not found constructor claim/,
  },
  {
    name: "groups by another name",
    config: { insecureEnableGroups: true, claimMapping: { groups: "cognito:groups" } },
    claims: { ...jane, "cognito:groups": ["group3"] },
    expected: { groups: ["group3"] },
  },
  {
    name: "groups by both names",
    config: { insecureEnableGroups: true, claimMapping: { groups: "cognito:groups" } },
    claims: { ...jane, groups: ["group1"], "cognito:groups": ["group3"] },
    expected: { groups: ["group1"] },
  },
  {
    name: "groups by both names, overridden",
    config: { insecureEnableGroups: true, overrideClaimMapping: true, claimMapping: { groups: "cognito:groups" } },
    claims: { ...jane, groups: ["group1"], "cognito:groups": ["group3"] },
    expected: { groups: ["group3"] },
  },
  {
    name: "one group as text, which no filter sees",
    config: { insecureEnableGroups: true, claimModifications: { filterGroupClaims: { groupsFilter: "^x" } } },
    claims: { ...jane, groups: "group1" },
    expected: { groups: ["group1"] },
  },
  {
    name: "a text gives way to a mapping",
    config: { insecureEnableGroups: true, claimMapping: { groups: "g" } },
    claims: { ...jane, groups: "group1" },
    expected: { groups: [] },
  },
  {
    name: "groups as objects",
    config: { insecureEnableGroups: true },
    claims: { ...jane, groups: [{ name: "group1" }, { name: 1 }, { id: 1 }, "b"] },
    expected: { groups: ["group1", "b"] },
  },
  {
    name: "groups as something else",
    config: { insecureEnableGroups: true },
    claims: { ...jane, groups: ["a", 1] },
    expected: /malformed "groups" claim/,
  },
  {
    name: "a filter",
    config: { insecureEnableGroups: true, claimModifications: { filterGroupClaims: { groupsFilter: "^.*\\d$" } } },
    claims: { ...jane, groups: ["group1", "group2", "groupA", "groupB"] },
    expected: { groups: ["group1", "group2"] },
  },
  {
    name: "a filter in RE2's own words",
    config: {
      insecureEnableGroups: true,
      claimModifications: { filterGroupClaims: { groupsFilter: "(?i)\\ATEAM-[[:alpha:]]+\\z" } },
    },
    claims: { ...jane, groups: ["team-a", "team-1", { name: "Team-b" }] },
    expected: { groups: ["team-a", "Team-b"] },
  },
  {
    name: "other names for groups, allowed ones compared before",
    config: {
      insecureEnableGroups: true,
      allowedGroups: ["b", "a"],
      claimModifications: { modifyGroupNames: { prefix: "prefix-", suffix: "-suffix" } },
    },
    claims: { ...jane, groups: ["a", { name: "b" }, "c"] },
    expected: { groups: ["prefix-a-suffix", "prefix-b-suffix"] },
  },
  {
    name: "groups made of claims",
    config: {
      claimModifications: {
        modifyGroupNames: { prefix: "p" },
        newGroupFromClaims: [
          { claims: ["organization", "pipeline"], delimiter: "::", prefix: "gh" },
          {
            claims: ["non-existing1", "organization", "claim-with-delimiter"],
            delimiter: "-",
            clearDelimiter: true,
            prefix: "clr_delim",
          },
          { claims: ["organization", "claim-with-delimiter"], delimiter: "-", prefix: "keep_delim" },
          { claims: ["array", "number", "email"], delimiter: "-", prefix: "bk" },
          { claims: ["nothing"], delimiter: "-", prefix: "none" },
        ],
      },
    },
    claims: {
      ...jane,
      groups: ["not-wanted"],
      organization: "acme",
      pipeline: "pipeline-one",
      "claim-with-delimiter": "foo-bar",
      array: ["x"],
      number: 1,
    },
    expected: {
      groups: ["gh::acme::pipeline-one", "clr_delim-acme-foobar", "keep_delim-acme-foo-bar", "bk-emailvalue"],
    },
  },
  {
    name: "what the provider says of the login",
    claims: { ...jane, sid: "s1", acr: "phr", amr: ["hwk", 1] },
    expected: { upstreamSessionId: "s1", acr: "phr", amr: ["hwk"] },
  },
  {
    name: "allowed groups are asked without insecureEnableGroups, and no group is told",
    config: { allowedGroups: ["a"] },
    claims: { ...jane, groups: ["a"] },
    expected: { groups: [] },
  },
  {
    name: "unless Dex's way is wanted",
    config: { allowedGroups: ["a"], insecureIgnoreAllowedGroups: true },
    claims: { ...jane, groups: ["z"] },
    expected: { userId: "subvalue", groups: [] },
  },
];

describe("claims", () => {
  for (const { name, config = {}, claims, expected } of table) {
    it(name, () => {
      if (expected instanceof RegExp) return void assert.throws(() => read(config, claims), expected);
      const identity: Json = { ...read(config, claims) };
      assert.deepEqual(Object.fromEntries(Object.keys(expected).map((key) => [key, identity[key]])), expected);
    });
  }

  it("nobody outside the allowed groups gets in", () => {
    for (const config of [{ insecureEnableGroups: true }, {}])
      for (const groups of [undefined, [], ["A"], "b", ["prefix-a"]])
        assert.equal(read({ ...config, allowedGroups: ["a"] }, { ...jane, groups }), undefined);
  });

  it("ten thousand groups", () => {
    const groups = Array.from({ length: 10_000 }, (_, index) => `group ${index} (ü,"\\`);
    const config = { insecureEnableGroups: true, claimModifications: { filterGroupClaims: { groupsFilter: "\\d" } } };
    assert.deepEqual(read(config, { ...jane, groups })?.groups, groups);
  });

  it("any claims make an identity, none, or an Error", () => {
    const reader = identityReader(
      oidcConfig.parse({ insecureEnableGroups: true, userIDKey: "__proto__", claimMapping: { groups: "g" } }),
    );
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.constantFrom("sub", "name", "email", "email_verified", "groups", "g", "amr", "__proto__"),
          fc.jsonValue(),
        ),
        (json) => {
          try {
            const identity = reader(claimsOf(json as Json));
            assert.ok(identity === undefined || typeof identity.userId === "string");
          } catch (error) {
            assert.ok(error instanceof Error && error.message !== "");
          }
        },
      ),
    );
  });

  it("userinfo takes precedence, but text is no email_verified", () => {
    const merged = withUserInfo(
      claimsOf({ sub: "s", email: "old", email_verified: true, kept: 1 }),
      claimsOf({ sub: "s", email: "new", email_verified: "false" }),
    );
    assert.deepEqual(Object.fromEntries(merged), { sub: "s", email: "new", email_verified: true, kept: 1 });
  });
});

describe("configuration", () => {
  const mistake = (config: Json) =>
    oidcConfig.safeParse(config).error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  it("hosted domains are gone", () => {
    assert.match(mistake({ hostedDomains: ["x"] })?.[0] ?? "", /^hostedDomains: support for the Hosted domains option/);
  });
  it("a filter that is no expression is a mistake, not no filter", () => {
    for (const groupsFilter of ["(", "(?=x)", "\\1"])
      assert.match(
        mistake({ claimModifications: { filterGroupClaims: { groupsFilter } } })?.[0] ?? "",
        /groupsFilter: no valid/,
      );
  });
  it("an unknown challenge method is a mistake", () =>
    assert.match(mistake({ pkceChallenge: "S512" })?.[0] ?? "", /^pkceChallenge/));
});
