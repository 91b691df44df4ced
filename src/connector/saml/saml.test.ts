import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  encryptFor,
  inclusive,
  jane,
  makeAssertion,
  makeKeyPair,
  makeResponse,
  type ResponseParts,
  sign,
} from "../../../test/fake/saml-documents.ts";
import { noXmlsec, signWithXmlsec } from "../../../test/fake/xmlsec.ts";
import { type Finished, idpKey, openServiceProvider } from "./testing/service-provider.ts";

const pair = idpKey;
const requestId = "_request";

/** The identity of a login that worked, without what is kept for later. */
function identityOf({ result, error }: Finished) {
  assert.ifError(error);
  assert.ok(result?.ok, JSON.stringify(result));
  const { connectorData, ...identity } = result.identity;
  return { ...identity, kept: JSON.parse(Buffer.from(connectorData?.reveal() ?? []).toString()) as unknown };
}

const janesClaims = {
  userId: "jane",
  username: "Jane Doe",
  email: "janedoe@example.com",
  emailVerified: true,
  groups: ["admins", "developers"],
};
const janesIdentity = {
  ...janesClaims,
  acr: "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
  upstreamSessionId: "_session",
  kept: { ...janesClaims, preferredUsername: "" },
};

const sp = await openServiceProvider();
const parts = sp.partsFor(requestId);
let counter = 0;
/** Parts of a response that was never shown before. */
const fresh = (more: Partial<ResponseParts> = {}): ResponseParts => ({
  ...parts,
  assertionId: `_assertion${++counter}`,
  ...more,
});

/** Signs as told and shows it to a connector of its own, so that no case meets another's replay. */
async function show(
  document: string,
  config: Readonly<Record<string, unknown>> = {},
  groups = true,
): Promise<Finished> {
  const other = await openServiceProvider(config, {}, sp.clock);
  return other.finish(document, requestId, { groups });
}

describe("a good response", () => {
  const ways: Readonly<Record<string, () => string>> = {
    "its Response signed": () => sign(makeResponse(fresh()), "Response", { pair }),
    "its Assertion signed": () => sign(makeResponse(fresh()), "Assertion", { pair }),
    "both signed": () => sign(sign(makeResponse(fresh()), "Assertion", { pair }), "Response", { pair }),
    "RSA with SHA-512": () => sign(makeResponse(fresh()), "Response", { pair, algorithm: "rsa-sha512" }),
    "inclusive canonicalisation": () => sign(makeResponse(fresh()), "Response", { pair, canonical: inclusive }),
    "inclusive canonicalisation of an Assertion below other namespaces": () =>
      sign(
        makeResponse(
          fresh({
            responseNamespacesXml: ' xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:unused="urn:unused"',
          }),
        ),
        "Assertion",
        { pair, canonical: inclusive },
      ),
    "exclusive canonicalisation with inclusive namespaces": () =>
      sign(
        makeResponse(
          fresh({
            responseNamespacesXml:
              ' xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:xs="http://www.w3.org/2001/XMLSchema"',
          }),
        ),
        "Assertion",
        { pair, inclusivePrefixes: ["xs"] },
      ),
    "namespaces declared on the unsigned root": () =>
      sign(
        makeResponse(fresh({ responseNamespacesXml: ' xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"' })),
        "Assertion",
        { pair },
      ),
    "an empty URI in the root's reference": () => sign(makeResponse(fresh()), "Response", { pair, isUriEmpty: true }),
    "no prefixes": () =>
      sign(
        makeResponse(
          fresh(),
          makeAssertion(fresh())
            .replaceAll("saml:", "")
            .replace("xmlns:saml", "xmlns")
            .replace("<Assertion", '<Assertion xmlns="urn:oasis:names:tc:SAML:2.0:assertion"')
            .replace(/ xmlns="urn:oasis:names:tc:SAML:2.0:assertion"( ID)/, "$1"),
        ),
        "Response",
        { pair },
      ),
    "pretty printing and CRLF": () =>
      sign(makeResponse(fresh()).replaceAll("><", ">\n  <"), "Response", { pair }).replaceAll("\n", "\r\n"),
    "an XML declaration": () =>
      `<?xml version="1.0" encoding="UTF-8"?>\n${sign(makeResponse(fresh()), "Response", { pair })}`,
  };
  for (const [way, make] of Object.entries(ways)) {
    it(`is believed with ${way}`, async () => {
      const finished = await show(make());
      assert.deepEqual(identityOf(finished), janesIdentity);
      const proof = finished.decisions.find(({ check }) => check === "saml.signature");
      assert.match(proof?.because ?? "", /is signed by CN=Test IdP/);
    });
  }

  it("is believed with an EC key", { skip: noXmlsec }, async () => {
    const ec = makeKeyPair("EC IdP", ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]);
    const document = signWithXmlsec(makeResponse(fresh()), ec);
    const caData = Buffer.from(ec.certificate).toString("base64");
    assert.deepEqual(identityOf(await show(document, { caData })), janesIdentity);
  });

  it("is believed with either of two pins, during a rollover", async () => {
    const next = makeKeyPair("Next IdP");
    const caData = Buffer.from(`\n${pair.certificate}\n\n${next.certificate}  \n`).toString("base64");
    for (const signer of [pair, next]) {
      assert.deepEqual(
        identityOf(await show(sign(makeResponse(fresh()), "Response", { pair: signer }), { caData })),
        janesIdentity,
      );
    }
  });

  it("keeps SHA-1 out until it is allowed", async () => {
    const document = sign(makeResponse(fresh()), "Response", { pair, algorithm: "rsa-sha1" });
    assert.equal((await show(document)).refusedBy, "saml.signature.sha1");
    assert.deepEqual(identityOf(await show(document, { insecureAllowSHA1: true })), janesIdentity);
  });

  it("keeps markup, reserved characters and other alphabets as they are", async () => {
    const odd = `Åsa <Müller> & "Co" 'x' ]]> \u{1F600} &amp; \u200b`;
    const attributes = { name: [odd], email: ["a&b@example.com"], groups: ["<admins>", "a,b", ""] };
    const document = sign(
      makeResponse(fresh({ attributes, nameIdXml: "<saml:NameID>a&amp;b&#x20;&lt;c&gt;</saml:NameID>" })),
      "Response",
      { pair },
    );
    const { userId, username, email, groups } = identityOf(await show(document));
    assert.deepEqual(
      { userId, username, email, groups },
      { userId: "a&b <c>", username: odd, email: "a&b@example.com", groups: attributes.groups },
    );
  });

  it("may list ten thousand groups", async () => {
    const groups = Array.from({ length: 10_000 }, (_, index) => `g${index}`);
    const document = sign(makeResponse(fresh({ attributes: { ...jane, groups } })), "Response", { pair });
    assert.deepEqual(identityOf(await show(document)).groups, groups);
  });
});

/** compat(dex): the table of connector/saml's mapping. */
describe("groups", () => {
  const cases: readonly (readonly [string, Readonly<Record<string, unknown>>, boolean, readonly string[] | string])[] =
    [
      ["are all values", {}, true, ["admins", "developers"]],
      ["are none without the scope", {}, false, []],
      ["are none without an attribute to read", { groupsAttr: "" }, true, []],
      ["that are allowed let in", { allowedGroups: ["admins"] }, true, ["admins", "developers"]],
      ["are filtered", { allowedGroups: ["admins"], filterGroups: true }, true, ["admins"]],
      ["that are not allowed keep out", { allowedGroups: ["nobody"] }, true, "not_in_required_groups"],
      ["keep out without the scope, where they decide", { allowedGroups: ["admins"] }, false, "not_in_required_groups"],
      ["are split", { groupsAttr: "name", groupsDelim: " " }, true, ["Jane", "Doe"]],
      ["that are absent refuse", { groupsAttr: "nothing" }, true, "saml.attribute.present"],
    ];
  for (const [what, config, scope, expected] of cases) {
    it(`${what}`, async () => {
      const finished = await show(sign(makeResponse(fresh()), "Response", { pair }), config, scope);
      const { result, refusedBy } = finished;
      assert.deepEqual(
        result?.ok === true
          ? result.identity.groups
          : (refusedBy ?? (result?.ok === false ? result.reason : undefined)),
        expected,
      );
    });
  }
});

const oaepHashes = ["sha1", "sha256", "sha384", "sha512"] as const;
const oaepWay = (hash: (typeof oaepHashes)[number], mask: (typeof oaepHashes)[number] | "absent") =>
  ({ wrap: "rsa-oaep", hash, mask }) as const;

describe("an encrypted name", () => {
  const ours = makeKeyPair("Dex");
  const config = { privateKey: ours.key };
  const name = `<saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">jane</saml:NameID>`;
  const named = (cipher: "aes-256-gcm" | "aes-128-cbc" = "aes-256-gcm") => ({
    ...fresh(),
    nameIdXml: encryptFor(name, { to: ours, as: "EncryptedID", cipher }),
  });

  it("is read from a signed Response, a signed Assertion, and an encrypted Assertion", async () => {
    for (const cipher of ["aes-256-gcm", "aes-128-cbc"] as const) {
      const parts = named(cipher);
      const signed = sign(makeAssertion(parts), "Assertion", { pair });
      for (const document of [
        sign(makeResponse(parts), "Response", { pair }),
        sign(makeResponse(parts), "Assertion", { pair }),
        makeResponse(parts, encryptFor(signed, { to: ours })),
      ])
        assert.deepEqual(identityOf(await show(document, config)), janesIdentity);
    }
  });

  it("needs a key of ours", async () => {
    const document = sign(makeResponse(named()), "Response", { pair });
    for (const settings of [{}, { privateKey: makeKeyPair().key }])
      assert.equal((await show(document, settings)).refusedBy, "saml.assertion.encrypted");
  });
});

describe("an encrypted assertion", () => {
  const ours = makeKeyPair("Dex");
  const old = makeKeyPair("Old Dex");
  const config = { privateKey: ours.key, previousPrivateKeys: [old.key] };
  const inner = () => sign(makeAssertion(fresh()), "Assertion", { pair });

  const ways = [
    { cipher: "aes-256-gcm" },
    { cipher: "aes-128-gcm", wrap: "rsa-oaep", hash: "sha256" },
    { cipher: "aes-256-gcm", isKeyBeside: true },
    { cipher: "aes-256-gcm", to: old },
    { wrap: "rsa-oaep", hash: "sha256", label: "for Dex" },
    { wrap: "rsa-oaep", hash: "sha256", mask: "sha1", label: "for Dex" },
    ...oaepHashes.map((hash) => ({ wrap: "rsa-oaep-mgf1p", hash }) as const),
    ...oaepHashes.flatMap((hash) => [...oaepHashes, "absent" as const].map((mask) => oaepWay(hash, mask))),
  ] as const;
  for (const way of ways) {
    it(`is read: ${JSON.stringify({ ...way, ...("to" in way ? { to: "a previous key" } : {}) })}`, async () => {
      const document = makeResponse(fresh(), encryptFor(inner(), { to: ours, ...way }));
      assert.deepEqual(identityOf(await show(document, config)), janesIdentity);
    });
  }

  it("with CBC is read inside a signed Response, and nowhere else", async () => {
    const encrypted = encryptFor(inner(), { to: ours, cipher: "aes-128-cbc" });
    const bare = makeResponse(fresh(), encrypted);
    assert.equal((await show(bare, config)).refusedBy, "saml.assertion.encrypted");
    assert.deepEqual(identityOf(await show(sign(bare, "Response", { pair }), config)), janesIdentity);
  });

  it("needs no signature of its own in a signed Response", async () => {
    const document = sign(makeResponse(fresh(), encryptFor(makeAssertion(fresh()), { to: ours })), "Response", {
      pair,
    });
    assert.deepEqual(identityOf(await show(document, config)), janesIdentity);
  });

  it("that nobody signed is refused", async () => {
    const document = makeResponse(fresh(), encryptFor(makeAssertion(fresh()), { to: ours }));
    assert.equal((await show(document, config)).refusedBy, "saml.signature.present");
  });

  it("for somebody else, with RSA 1.5, or without a key of ours is refused by one name", async () => {
    const stranger = makeKeyPair("Stranger");
    for (const [encryption, settings] of [
      [{ to: stranger }, config],
      [{ to: ours, wrap: "rsa-1_5" }, config],
      [{ to: ours }, {}],
    ] as const) {
      const document = makeResponse(fresh(), encryptFor(inner(), encryption));
      assert.equal((await show(document, settings)).refusedBy, "saml.assertion.encrypted");
    }
  });
});
