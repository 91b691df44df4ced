import assert from "node:assert/strict";
import { test } from "node:test";
import { hostTexts, ldapSchema } from "./schema.ts";

const usable = { host: "ldap.example.com", userSearch: { baseDN: "dc=x", username: "uid" } };

/** What the schema has against `config`, as `path: message`. */
const mistakes = (config: unknown): readonly string[] =>
  ldapSchema.safeParse(config).error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) ?? [];

test("what is missing is said in Dex's words", () => {
  assert.deepEqual(mistakes({}), [
    'userSearch.baseDN: ldap: missing required field "userSearch.baseDN"',
    'userSearch.username: ldap: missing required field "userSearch.username"',
    'host: ldap: missing required field "host"',
  ]);
  assert.deepEqual(mistakes(usable), []);
  assert.deepEqual(mistakes({ ...usable, host: "", hostSRV: "_ldap._tcp.example.com" }), []);
  assert.deepEqual(mistakes({ ...usable, userSearch: { baseDN: "dc=x", username: ["", "mail"] } }), []);
});

for (const [what, more, path, message] of [
  [
    "a number for a name",
    { userSearch: { baseDN: "dc=x", username: 7 } },
    "userSearch.username",
    "username must be a string or list of strings",
  ],
  [
    "an unknown scope",
    { userSearch: { ...usable.userSearch, scope: "base" } },
    "userSearch.scope",
    'userSearch.Scope unknown value "base"',
  ],
  [
    "an unknown scope of groups",
    { groupSearch: { scope: "SUB" } },
    "groupSearch.scope",
    'groupSearch.Scope unknown value "SUB"',
  ],
  [
    "a bad filter",
    { userSearch: { ...usable.userSearch, filter: "(a=b" } },
    "userSearch.filter",
    'bad LDAP filter "(a=b": a ")" is missing',
  ],
  [
    "an address for a host",
    { host: "ldaps://x" },
    "host",
    '"ldaps://x": write the host alone, without ldap:// or a path',
  ],
  [
    "a name without a password",
    { bindDN: "cn=x" },
    "bindPW",
    "bindDN without bindPW: the server would take it for an anonymous bind (RFC 4513 §5.1.2)",
  ],
  ["a PEM text for base64", { rootCAData: "-----BEGIN" }, "rootCAData", "it is not base64"],
  ["no time at all", { requestTimeout: "0s" }, "requestTimeout", "it must be longer than nothing"],
  ["no duration", { connectTimeout: "5" }, "connectTimeout", 'time: missing unit in duration "5"'],
  [
    "an unknown way to name people",
    { kerberos: { usernameFromPrincipal: "upn" } },
    "kerberos.usernameFromPrincipal",
    "it is none of localpart, sAMAccountName, userPrincipalName",
  ],
] as const) {
  test(`is refused: ${what}`, () => assert.deepEqual(mistakes({ ...usable, ...more }), [`${path}: ${message}`]));
}

test("hosts are a list, or one text with commas", () => {
  assert.deepEqual(hostTexts("a:1, b ,,c"), ["a:1", "b", "c"]);
  assert.deepEqual(hostTexts(["a", "b,c", ""]), ["a", "b", "c"]);
  assert.deepEqual(hostTexts(""), []);
});
