import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseCidr } from "../kernel/addresses.ts";
import { readBcryptHash } from "./bcrypt-hash.ts";
import { didYouMean, editDistance } from "./did-you-mean.ts";
import { parseGoBool, readFeatureFlags, unreadableFlags } from "./feature-flags.ts";
import { isLoopback, issuerHost, readIssuer } from "./issuer.ts";
import { Findings, nowhere } from "./mistake.ts";

test("flags know Go's booleans and no other word", () => {
  for (const text of ["1", "t", "T", "TRUE", "true", "True"]) assert.equal(parseGoBool(text), true);
  for (const text of ["0", "f", "F", "FALSE", "false", "False"]) assert.equal(parseGoBool(text), false);
  for (const text of ["", "yes", "on", " true", "tRUE", "2", undefined]) assert.equal(parseGoBool(text), undefined);
});

test("a flag that is silent or unreadable has its default", () => {
  const flags = readFeatureFlags({
    DEX_EXPAND_ENV: "no",
    DEX_ENT_ENABLED: "T",
    DEX_SESSIONS_ENABLED: "False",
    OTHER: "1",
  });
  assert.deepEqual(flags, {
    DEX_ENT_ENABLED: true,
    DEX_EXPAND_ENV: true,
    DEX_API_CONNECTORS_CRUD: false,
    DEX_CONTINUE_ON_CONNECTOR_FAILURE: true,
    DEX_CONFIG_DISALLOW_UNKNOWN_FIELDS: false,
    DEX_CLIENT_CREDENTIAL_GRANT_ENABLED_BY_DEFAULT: false,
    DEX_SESSIONS_ENABLED: false,
    DEX_API_SESSIONS_IDENTITIES_CRUD: false,
  });
  assert.deepEqual(unreadableFlags({ DEX_EXPAND_ENV: "no", DEX_ENT_ENABLED: "", DEX_SESSIONS_ENABLED: "1" }), [
    "DEX_EXPAND_ENV",
  ]);
});

test("a slip of the fingers is recognised, another word is not", () => {
  const known = ["issuer", "storage", "enforce", "redirectURIs", "http", "https"];
  const cases: readonly (readonly [string, string | undefined])[] = [
    ["enforced", "enforce"],
    ["isuser", "issuer"],
    ["redirectUri", "redirectURIs"],
    ["STORAGE2", "storage"],
    ["htps", "https"],
    ["additionalFeatures", undefined],
    ["x", undefined],
    ["", undefined],
  ];
  for (const [word, expected] of cases) assert.equal(didYouMean(word, known), expected, word);
});

test("edit distance is a distance", () => {
  const word = fc.stringMatching(/^[abc]{0,6}$/);
  fc.assert(
    fc.property(word, word, (a, b) => {
      const distance = editDistance(a, b);
      assert.equal(distance, editDistance(b, a));
      assert.equal(distance === 0, a === b);
      assert.ok(distance <= Math.max(a.length, b.length) && distance >= Math.abs(a.length - b.length));
    }),
  );
});

test("address ranges are read, bare addresses refused in Go's words", () => {
  assert.deepEqual(parseCidr("10.0.0.5/8"), { address: "10.0.0.5", prefix: 8, family: "ipv4" });
  assert.deepEqual(parseCidr("2001:db8::/32"), { address: "2001:db8::", prefix: 32, family: "ipv6" });
  assert.deepEqual(parseCidr("::ffff:1.2.3.4/128"), { address: "::ffff:1.2.3.4", prefix: 128, family: "ipv6" });
  const cases: readonly (readonly [string, string])[] = [
    ["10.0.0.1", "no '/'"],
    ["10.0.0.0/33", "prefix length out of range"],
    ["::/129", "prefix length out of range"],
    ["10.0.0.0/08", 'bad bits after slash: "08"'],
    ["10.0.0.0/", 'bad bits after slash: ""'],
    ["10.0.0.0/+8", 'bad bits after slash: "+8"'],
    ["::1%eth0/64", "IPv6 zones cannot be present in a prefix"],
    ["x/8", 'ParseAddr("x"): unable to parse IP'],
    ["1.2.3/8", 'ParseAddr("1.2.3"): unable to parse IP'],
    ["010.0.0.0/8", 'ParseAddr("010.0.0.0"): unable to parse IP'],
  ];
  for (const [text, reason] of cases) {
    assert.throws(() => parseCidr(text), { message: `netip.ParsePrefix("${text}"): ${reason}` });
  }
});

function issuerOf(text: string): { readonly issuer: string; readonly issuerPath: string } | undefined {
  const findings = new Findings(() => nowhere);
  const issuer = readIssuer(text, findings);
  return findings.mistakes.length === 0 ? issuer : undefined;
}

test("the issuer is what Go's url.Parse makes of it", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ["http://a/b/", "http://a/b/", "/b"],
    ["HTTP://A/b%2fc/", "http://A/b%2fc/", "/b%2fc"],
    ["http://a", "http://a", ""],
    ["http://a/", "http://a/", ""],
    ["http://a:80/dex", "http://a:80/dex", "/dex"],
    ["http://[::1]:80/x", "http://[::1]:80/x", "/x"],
    ["http://a/b c", "http://a/b%20c", "/b%20c"],
    ["http://a/é%20", "http://a/%C3%A9%20", "/%C3%A9%20"],
    ["http://a/!*()[x]", "http://a/!*()[x]", "/!*()[x]"],
    ['http://a/"(x)', "http://a/%22%28x%29", "/%22%28x%29"],
    ["http://a#", "http://a", ""],
    ["http://a?x=y#z", "http://a?x=y#z", ""],
  ];
  for (const [text, issuer, issuerPath] of cases) assert.deepEqual(issuerOf(text), { issuer, issuerPath }, text);
});

test("an issuer that is no address of a server is refused", () => {
  const texts = [
    "foo",
    "/x",
    "//h/p",
    "mailto:x",
    "ftp://a",
    "http://",
    "http://a b/",
    "http://a:x/",
    "http://a:99999/",
  ];
  for (const text of [...texts, "http://a/%zz", "http://[::1/", "http://a%20b/", "http://u:p@a/", "http://a/\u007f"]) {
    assert.equal(issuerOf(text), undefined, text);
  }
});

test("any issuer that is accepted is an address with the same path below it", () => {
  const path = fc.string({ unit: fc.constantFrom(..."ab/%2F .~!é[]\"'".split("")), maxLength: 10 });
  fc.assert(
    fc.property(path, (suffix) => {
      const read = issuerOf(`https://dex.example.com/${suffix}`);
      if (read === undefined) return;
      assert.ok(URL.canParse(read.issuer));
      assert.ok(read.issuer.startsWith(`https://dex.example.com${read.issuerPath}`));
      assert.ok(!read.issuerPath.endsWith("/"));
    }),
  );
});

test("loopback is known by every one of its names", () => {
  for (const host of ["localhost", "dex.localhost", "127.0.0.1", "127.9.9.9", "::1"]) assert.ok(isLoopback(host), host);
  for (const host of ["127.0.0.1.nip.io", "localhost.example.com", "10.0.0.1", "::2", ""])
    assert.ok(!isLoopback(host), host);
  assert.equal(issuerHost("http://[::1]:5556/dex"), "::1");
});

const hash = "$2a$10$2b2cU8CPhOTaGrs1HRQuAueS7JTT5ZHsHSzYiFPm1leZck7Mc8T4W";

test("a bcrypt hash is read as it is or from base64, in every spelling of its version", () => {
  for (const prefix of ["$2a$", "$2b$", "$2y$"]) {
    const text = prefix + hash.slice(4);
    assert.deepEqual(readBcryptHash(text), { hash: Buffer.from(text), cost: 10 });
  }
  const { hash: bytes, cost } = readBcryptHash(Buffer.from(hash).toString("base64"));
  assert.equal(Buffer.from(bytes).toString(), hash);
  assert.equal(cost, 10);
});

test("what is no bcrypt hash is refused without quoting it", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["opensesame", /too short/],
    ["hunter2!", /too short/],
    [Buffer.from("opensesame").toString("base64"), /too short/],
    [`x${hash}`, /must start with '\$'/],
    [hash.replace("$2a", "$3a"), /newer than current version/],
    [hash.replace("$10$", "$32$"), /cost 32 is outside allowed inclusive range 4\.\.31/],
    [hash.replace("$10$", "$03$"), /cost 3 is outside/],
    [hash.replace("$10$", "$xx$"), /not a number/],
  ];
  for (const [text, message] of cases) {
    assert.throws(
      () => readBcryptHash(text),
      (error: Error) => {
        assert.match(error.message, message);
        assert.ok(!error.message.includes(text));
        return true;
      },
    );
  }
});
