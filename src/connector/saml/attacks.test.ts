/**
 * Every way of lying to a service provider that we know of, each refused by the check that is there for it. The cases
 * are those of the literature: XSW1 to XSW8 (Somorovsky et al., "On Breaking SAML"), and the advisories named here.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  algorithms,
  encode,
  encryptFor,
  enveloped,
  exclusive,
  inclusive,
  makeAssertion,
  makeKeyPair,
  makeResponse,
  type ResponseParts,
  resignWith,
  sign,
} from "../../../test/fake/saml-documents.ts";
import { acsUrl, openServiceProvider, idpKey as pair } from "./testing/service-provider.ts";

const requestId = "_request";
const sp = await openServiceProvider();
const parts = sp.partsFor(requestId);
const stranger = makeKeyPair("Test IdP");

const ourKey = makeKeyPair("Dex");

type Config = Readonly<Record<string, unknown>>;

/** Shows a document to a connector that has seen nothing yet. */
async function refusal(document: string, config: Config = {}, isEncoded = false): Promise<string> {
  const victim = await openServiceProvider(config, {}, sp.clock);
  const { result, error, refusedBy, decisions } = await victim.finish(document, requestId, { isEncoded });
  assert.ok(result?.ok !== true, `accepted: ${JSON.stringify(result)}`);
  // A refusal is explained: which check, why, and by which rule unless it is our own.
  const fault = decisions.find(({ outcome }) => outcome === "fail");
  assert.ok(fault !== undefined && fault.because !== "", `no reason: ${error?.stack}`);
  return refusedBy ?? "";
}

/** One test: `document` is refused by `check`. */
const refuses = (what: string, check: string, document: string | (() => string), config: Config = {}): void => {
  it(`${what} (${check})`, async () => {
    assert.equal(await refusal(typeof document === "string" ? document : document(), config), check);
  });
};

const response = (more: Partial<ResponseParts> = {}, inner?: string): string =>
  makeResponse({ ...parts, ...more }, inner);
const assertion = (more: Partial<ResponseParts> = {}): string => makeAssertion({ ...parts, ...more });
const signedResponse = (more: Partial<ResponseParts> = {}): string => sign(response(more), "Response", { pair });
const signedAssertion = (more: Partial<ResponseParts> = {}): string => sign(response(more), "Assertion", { pair });

/** The elements of a document, as text. */
const part = (document: string, local: string): string =>
  new RegExp(`<(?:\\w+:)?${local}[ >][\\s\\S]*</(?:\\w+:)?${local}>`).exec(document)?.[0] ?? assert.fail(`no ${local}`);
const signatureOf = (document: string): string => part(document, "Signature");
const without = (document: string, piece: string): string => {
  assert.ok(document.includes(piece), piece);
  return document.replace(piece, () => "");
};
const change = (document: string, from: string | RegExp, to: string): string => {
  const changed = document.replace(from, () => to);
  assert.notEqual(changed, document, `${from} is not there`);
  return changed;
};
const forged = { nameIdXml: "<saml:NameID>admin</saml:NameID>", assertionId: "_forged" };

it("the documents that the attacks are made of are good", async () => {
  for (const document of [signedResponse(), signedAssertion()]) {
    const victim = await openServiceProvider({}, {}, sp.clock);
    const { result } = await victim.finish(document, requestId);
    assert.ok(result?.ok);
  }
});

describe("refused before a word is read", () => {
  const refusesForm = (what: string, check: string, form: string): void => {
    it(`${what} (${check})`, async () => assert.equal(await refusal(form, {}, true), check));
  };
  refusesForm("nothing", "saml.message.base64", "");
  refusesForm("text that is no base64", "saml.message.base64", "<Response>");
  refusesForm("base64 of another alphabet", "saml.message.base64", Buffer.from("??>>??>>").toString("base64url"));
  refusesForm("base64 with blanks", "saml.message.base64", encode(signedResponse()).replace(/^..../, "$& "));
  refusesForm("base64 without its padding", "saml.message.base64", encode("ab").replace(/=+$/, ""));
  refusesForm("base64 with something after it", "saml.message.base64", `${encode(signedResponse())}%`);
  refusesForm("base64 with bits that mean nothing", "saml.message.base64", "YWJ=");
  refusesForm("more than a megabyte", "saml.message.size", encode(`<a>${"x".repeat(1024 * 1024)}</a>`));
  refusesForm(
    "UTF-16",
    "saml.xml.encoding",
    Buffer.from(signedResponse(), "utf16le").toString("base64").replace(/^/, "//4A"),
  );
  refusesForm("bytes that are no UTF-8", "saml.xml.encoding", Buffer.from([0x3c, 0x61, 0xff, 0x3e]).toString("base64"));
  refusesForm(
    "a deflated message",
    "saml.xml.encoding",
    Buffer.from("fZLNTsMwEITvSLyD5XuT", "base64").toString("base64"),
  );
  refuses("a NUL", "saml.xml.character", change(signedResponse(), "jane<", "ja\0ne<"));
  refuses("another encoding", "saml.xml.encoding", `<?xml version="1.0" encoding="UTF-7"?>${signedResponse()}`);
  refuses("a byte order mark", "saml.xml.well_formed", `\ufeff${signedResponse()}`);
  refuses("a DOCTYPE", "saml.xml.doctype", `<!DOCTYPE a>${signedResponse()}`);
  refuses(
    "an external entity",
    "saml.xml.doctype",
    `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>${change(signedResponse(), "jane<", "&x;<")}`,
  );
  refuses(
    "a parameter entity",
    "saml.xml.doctype",
    `<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1/x"> %x;]>${signedResponse()}`,
  );
  refuses(
    "billion laughs",
    "saml.xml.doctype",
    `<!DOCTYPE a [<!ENTITY a "aa"><!ENTITY b "&a;&a;&a;">]>${signedResponse()}`,
  );
  refuses("an entity in NameID", "saml.xml.entity", change(signedResponse(), "jane<", "&jane;<"));
  refuses("two roots", "saml.xml.well_formed", `${signedResponse()}${response(forged)}`);
  refuses("text after the root", "saml.xml.well_formed", `${signedResponse()}x`);
  refuses("tags that are not closed", "saml.xml.well_formed", change(signedResponse(), "</samlp:Response>", ""));
  refuses(
    "an attribute given twice",
    "saml.xml.well_formed",
    change(signedResponse(), ' Version="2.0"', ' Version="2.0" Version="2.0"'),
  );
  refuses(
    "a processing instruction in NameID",
    "saml.xml.processing_instruction",
    change(signedResponse(), "jane<", "<?p admin?>jane<"),
  );
  refuses(
    "a processing instruction before the root",
    "saml.xml.processing_instruction",
    `<?xml-stylesheet href="a"?>${signedResponse()}`,
  );
  refuses(
    "a comment in NameID (CVE-2017-11428)",
    "saml.xml.comment",
    change(signedResponse(), "jane<", "ad<!---->jane<"),
  );
  refuses(
    "a comment in an attribute's value",
    "saml.xml.comment",
    change(signedResponse(), "janedoe@", "janedoe<!-- -->@"),
  );
  refuses(
    "a prefix that nobody declared",
    "saml.xml.namespace",
    change(signedResponse(), "<saml:NameID", "<evil:x/><saml:NameID"),
  );
  refuses(
    "a relative namespace",
    "saml.xml.namespace",
    change(signedResponse(), "<samlp:Response", '<samlp:Response xmlns:r="r/r"'),
  );
  refuses(
    "a redefined xml prefix",
    "saml.xml.namespace",
    change(signedResponse(), "<samlp:Response", '<samlp:Response xmlns:xml="urn:x"'),
  );
  refuses("elements without end in depth", "saml.xml.limit", "<a>".repeat(1000) + "</a>".repeat(1000));
  refuses("too many elements", "saml.xml.limit", `<a>${"<b/>".repeat(150_000)}</a>`);
});

describe("refused for what it is", () => {
  refuses("another root", "saml.message.root", "<a/>");
  refuses(
    "a Response of another namespace",
    "saml.message.root",
    change(signedResponse(), 'samlp="urn:oasis', 'samlp="urn:evil'),
  );
  refuses("a LogoutRequest", "saml.message.root", signedResponse().replaceAll("samlp:Response", "samlp:LogoutRequest"));
  refuses("SAML 1.1", "saml.message.version", () => sign(response({ version: "1.1" }), "Response", { pair }));
  refuses("an Assertion of another version", "saml.message.version", () =>
    sign(response({}, change(assertion(), 'Version="2.0"', 'Version="2.1"')), "Response", { pair }),
  );
  refuses("a Response without an ID", "saml.id.present", change(response(), ' ID="_response"', ""));
  refuses("an ID given twice", "saml.id.unique", response({ assertionId: "_response" }));
  for (const name of ["Id", "id", "xml:id"]) {
    refuses(
      `an ID that collides as ${name}`,
      "saml.id.unique",
      change(signedAssertion(), "<samlp:Status>", `<samlp:Status ${name}="_assertion">`),
    );
  }
});

describe("refused because nobody signed it", () => {
  refuses("no signature", "saml.signature.present", response());
  refuses("a signature cut out", "saml.signature.present", () =>
    without(signedResponse(), signatureOf(signedResponse())),
  );
  refuses("a Signature of another namespace", "saml.signature.place", () =>
    signedResponse().replaceAll('http://www.w3.org/2000/09/xmldsig#"', 'urn:evil"'),
  );
  refuses(
    "an Assertion of another namespace",
    "saml.assertion.place",
    response({}, assertion().replaceAll("urn:oasis:names:tc:SAML:2.0:assertion", "urn:evil")),
  );
  refuses(
    "an unsigned encrypted Assertion",
    "saml.signature.present",
    () => {
      return response({}, encryptFor(assertion(), { to: ourKey }));
    },
    { privateKey: ourKey.key },
  );
  refuses("a changed text", "saml.signature.digest", change(signedResponse(), "jane<", "admin<"));
  refuses("a changed attribute", "saml.signature.digest", change(signedResponse(), 'Name="groups"', 'Name="group"'));
  refuses(
    "an added attribute",
    "saml.signature.digest",
    change(signedResponse(), "<saml:Subject>", '<saml:Subject a="b">'),
  );
  refuses(
    "an added element",
    "saml.signature.digest",
    change(signedResponse(), "</saml:AttributeStatement>", '<saml:Attribute Name="x"/></saml:AttributeStatement>'),
  );
  refuses("a white space", "saml.signature.digest", change(signedResponse(), "<saml:Subject>", " <saml:Subject>"));
  refuses(
    "a second AttributeStatement in a signed Assertion",
    "saml.signature.digest",
    change(
      signedAssertion(),
      "</saml:Assertion>",
      '<saml:AttributeStatement><saml:Attribute Name="email"><saml:AttributeValue>admin@example.com</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion>',
    ),
  );
});

describe("refused for its key", () => {
  const byStranger = sign(response(), "Response", { pair: stranger });
  refuses("a stranger's, of the same name", "saml.signature.key", byStranger);
  refuses("a stranger's, with our pin in its KeyInfo", "saml.signature.key", () => {
    const genuine = /<ds:X509Certificate>[^<]*/.exec(sign(response(), "Response", { pair }))?.[0] ?? assert.fail();
    return change(byStranger, /<ds:X509Certificate>[^<]*/, genuine);
  });
  refuses(
    "a stranger's, by a bare KeyValue (CVE-2024-32962)",
    "saml.signature.key",
    change(
      byStranger,
      /<ds:KeyInfo>.*<\/ds:KeyInfo>/,
      "<ds:KeyInfo><ds:KeyValue><ds:RSAKeyValue><ds:Modulus>AQAB</ds:Modulus><ds:Exponent>AQAB</ds:Exponent></ds:RSAKeyValue></ds:KeyValue></ds:KeyInfo>",
    ),
  );
  refuses(
    "a stranger's, by a RetrievalMethod",
    "saml.signature.key",
    change(
      byStranger,
      /<ds:KeyInfo>.*<\/ds:KeyInfo>/,
      '<ds:KeyInfo><ds:RetrievalMethod URI="http://127.0.0.1/key"/></ds:KeyInfo>',
    ),
  );
  refuses("an HMAC whose key is the certificate", "saml.signature.algorithm", () =>
    sign(response(), "Response", { pair, algorithm: "hmac-sha1" }),
  );
  refuses(
    "an EC method for an RSA key",
    "saml.signature.key",
    change(signedResponse(), algorithms["rsa-sha256"][0], "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"),
  );
  it("a pin that has expired, with its dates (saml.signature.key_validity)", async () => {
    const victim = await openServiceProvider();
    await victim.clock.advance(4000 * 24 * 3_600_000);
    const late = victim.partsFor(requestId);
    const { refusedBy, error } = await victim.finish(sign(makeResponse(late), "Response", { pair }), requestId);
    assert.equal(refusedBy, "saml.signature.key_validity");
    assert.match(error?.message ?? "", /valid from \d{4}-.* to \d{4}-/);
  });
});

describe("refused for how it is signed", () => {
  refuses("SHA-1", "saml.signature.sha1", () => sign(response(), "Response", { pair, algorithm: "rsa-sha1" }));
  refuses(
    "MD5",
    "saml.signature.algorithm",
    change(signedResponse(), algorithms["rsa-sha256"][0], "http://www.w3.org/2001/04/xmldsig-more#rsa-md5"),
  );
  refuses(
    "DSA",
    "saml.signature.algorithm",
    change(signedResponse(), algorithms["rsa-sha256"][0], "http://www.w3.org/2000/09/xmldsig#dsa-sha1"),
  );
  refuses("no method", "saml.signature.algorithm", change(signedResponse(), algorithms["rsa-sha256"][0], "none"));
  refuses(
    "a truncated output",
    "saml.signature.algorithm",
    change(
      signedResponse(),
      /<ds:SignatureMethod([^>]*)\/>/,
      `<ds:SignatureMethod Algorithm="${algorithms["rsa-sha256"][0]}"><ds:HMACOutputLength>8</ds:HMACOutputLength></ds:SignatureMethod>`,
    ),
  );
  refuses(
    "another canonical form",
    "saml.signature.canonicalization",
    change(
      signedResponse(),
      `<ds:CanonicalizationMethod Algorithm="${exclusive}"`,
      '<ds:CanonicalizationMethod Algorithm="urn:evil"',
    ),
  );

  /** Signs with the pinned key whatever SignedInfo it is given: what a careless identity provider could be made to sign. */
  const signedInfo = (document: string, transform: (info: string) => string): string =>
    resignWith(pair, document, transform);
  for (const [what, transforms] of [
    ["XSLT", [enveloped, "http://www.w3.org/TR/1999/REC-xslt-19991116"]],
    ["XPath", [enveloped, "http://www.w3.org/TR/1999/REC-xpath-19991116"]],
    ["base64", [enveloped, "http://www.w3.org/2000/09/xmldsig#base64"]],
    ["a canonical form alone", [exclusive]],
    ["three transforms", [enveloped, exclusive, exclusive]],
    ["the wrong order", [exclusive, enveloped]],
  ] as const) {
    refuses(`transforms: ${what}`, "saml.signature.transforms", () =>
      signedInfo(signedResponse(), (info) =>
        change(
          info,
          /<ds:Transforms>.*<\/ds:Transforms>/,
          `<ds:Transforms>${transforms.map((uri) => `<ds:Transform Algorithm="${uri}"></ds:Transform>`).join("")}</ds:Transforms>`,
        ),
      ),
    );
  }
  refuses("a digest by MD5", "saml.signature.algorithm", () =>
    signedInfo(signedResponse(), (info) =>
      change(info, algorithms["rsa-sha256"][1], "http://www.w3.org/2001/04/xmldsig-more#md5"),
    ),
  );
  refuses("a digest by SHA-1", "saml.signature.sha1", () =>
    signedInfo(signedResponse(), (info) => change(info, algorithms["rsa-sha256"][1], algorithms["rsa-sha1"][1])),
  );
  refuses("two References (CVE-2026-33487)", "saml.signature.reference", () =>
    signedInfo(signedResponse(), (info) => {
      const reference = part(info, "Reference");
      return change(info, reference, reference.replace("#_response", "#_forged") + reference);
    }),
  );
  refuses("no Reference", "saml.signature.reference", () =>
    signedInfo(signedResponse(), (info) => change(info, part(info, "Reference"), "")),
  );
  refuses("a Reference to another element", "saml.signature.reference", () =>
    signedInfo(signedResponse(), (info) => change(info, "#_response", "#_assertion")),
  );
  refuses("a Reference to a file", "saml.signature.reference", () =>
    signedInfo(signedResponse(), (info) => change(info, "#_response", "file:///etc/passwd")),
  );
  refuses("an Assertion's Reference to the whole document", "saml.signature.reference", () =>
    signedInfo(signedAssertion(), (info) => change(info, 'URI="#_assertion"', 'URI=""')),
  );
  refuses("an XPointer", "saml.signature.reference", () =>
    signedInfo(signedResponse(), (info) => change(info, "#_response", "#xpointer(id('_response'))")),
  );
  refuses("a second SignedInfo (CVE-2025-29774)", "saml.signature.shape", () => {
    const document = signedResponse();
    const info = part(document, "SignedInfo");
    return change(document, info, info + info);
  });
  refuses("a comment in DigestValue (CVE-2025-29775)", "saml.xml.comment", () =>
    change(signedResponse(), "<ds:DigestValue>", "<ds:DigestValue><!--x-->"),
  );
  refuses("an element in DigestValue", "saml.signature.digest", () =>
    signedInfo(signedResponse(), (info) => change(info, "<ds:DigestValue>", "<ds:DigestValue><x></x>")),
  );
  refuses("an empty DigestValue", "saml.signature.digest", () =>
    signedInfo(signedResponse(), (info) => change(info, /<ds:DigestValue>[^<]*/, "<ds:DigestValue>")),
  );
  refuses("a short DigestValue", "saml.signature.digest", () =>
    signedInfo(signedResponse(), (info) => change(info, /<ds:DigestValue>[^<]*/, "<ds:DigestValue>AAAA")),
  );
  refuses(
    "an element in SignatureValue",
    "saml.signature.value",
    change(signedResponse(), "<ds:SignatureValue>", "<ds:SignatureValue><x/>"),
  );
  refuses(
    "an empty SignatureValue",
    "saml.signature.value",
    change(signedResponse(), /<ds:SignatureValue>[^<]*/, "<ds:SignatureValue>"),
  );
  refuses(
    "a short SignatureValue",
    "saml.signature.key",
    change(signedResponse(), /<ds:SignatureValue>[^<]*/, "<ds:SignatureValue>AAAA"),
  );
  refuses("two Signatures", "saml.signature.single", () => {
    const document = signedResponse();
    return change(document, signatureOf(document), signatureOf(document) + signatureOf(document));
  });
  refuses("a decoy Signature before the genuine one", "saml.signature.single", () => {
    const document = signedResponse();
    return change(
      document,
      signatureOf(document),
      `<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/>${signatureOf(document)}`,
    );
  });
  refuses("inclusive canonicalisation below xml: attributes", "saml.signature.transforms", () =>
    change(
      sign(response(), "Assertion", { pair, canonical: inclusive }),
      "<samlp:Response",
      '<samlp:Response xml:lang="en"',
    ),
  );
  refuses(
    "a namespace redefined below the signed element",
    "saml.signature.digest",
    change(signedAssertion(), "<saml:NameID", '<saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion#"'),
  );
  refuses("a good Response around an Assertion whose own signature fails", "saml.signature.digest", () => {
    const tampered = change(signedAssertion(), "jane<", "admin<");
    return sign(tampered, "Response", { pair });
  });
});

describe("signature wrapping", () => {
  const genuine = signedResponse();
  const genuineSignature = signatureOf(genuine);
  const bare = without(genuine, genuineSignature);
  const evilResponse = response({ ...forged, responseId: "_evil" });
  const into = (document: string, after: string, piece: string): string => change(document, after, after + piece);

  refuses("XSW1: a forged Response around the signed one, in its Signature", "saml.assertion.place", () =>
    into(
      evilResponse,
      "</saml:Issuer>",
      genuineSignature.replace("</ds:Signature>", `<ds:Object>${bare}</ds:Object></ds:Signature>`),
    ),
  );
  refuses("XSW2: the signed Response beside its detached Signature", "saml.assertion.place", () =>
    into(evilResponse, "</saml:Issuer>", bare + genuineSignature),
  );

  const signed = signedAssertion();
  const original = part(signed, "Assertion");
  const signature = signatureOf(signed);
  const originalBare = original.replace(signature, "");
  const evil = assertion(forged);
  const withSignature = (piece: string, inside: string): string =>
    change(piece, "</saml:Issuer>", `</saml:Issuer>${inside}`);

  refuses("XSW3: a forged Assertion before the signed one", "saml.assertion.single", response({}, evil + original));
  refuses("XSW3: a forged Assertion after the signed one", "saml.assertion.single", response({}, original + evil));
  refuses(
    "XSW4: the signed Assertion inside a forged one",
    "saml.assertion.place",
    response({}, evil.replace("</saml:Assertion>", `${original}</saml:Assertion>`)),
  );
  refuses(
    "XSW5: the Signature moved into a forged Assertion",
    "saml.assertion.single",
    response({}, withSignature(evil, signature) + originalBare),
  );
  refuses(
    "XSW6: the original moved into the Signature",
    "saml.assertion.place",
    response({}, withSignature(evil, signature.replace("</ds:Signature>", `${originalBare}</ds:Signature>`))),
  );
  refuses(
    "XSW7: the original moved into Extensions",
    "saml.assertion.place",
    response({}, `<samlp:Extensions>${original}</samlp:Extensions>${evil}`),
  );
  refuses(
    "XSW8: the original moved into an Object",
    "saml.assertion.place",
    response(
      {},
      withSignature(
        evil,
        signature.replace("</ds:Signature>", `<ds:Object>${originalBare}</ds:Object></ds:Signature>`),
      ),
    ),
  );
  refuses(
    "a Signature whose Reference is another element's",
    "saml.signature.reference",
    response({}, withSignature(evil, signature)),
  );
  refuses(
    "the signed Assertion in another element (Dex issue 895)",
    "saml.assertion.place",
    response({}, `<AttackersElement>${original}</AttackersElement>${evil}`),
  );
  for (const [place, xml] of [
    ["Extensions", `<samlp:Extensions>${signature}</samlp:Extensions>`],
    ["StatusDetail", `<samlp:StatusDetail>${signature}</samlp:StatusDetail>`],
  ] as const) {
    refuses(
      `a Signature in ${place}`,
      "saml.signature.place",
      change(response(), "<samlp:Status>", `${xml}<samlp:Status>`),
    );
  }
  refuses(
    "an Assertion in Advice",
    "saml.assertion.place",
    response({}, evil.replace("</saml:Assertion>", `<saml:Advice>${original}</saml:Advice></saml:Assertion>`)),
  );
  refuses(
    "a forged Assertion beside an encrypted one",
    "saml.assertion.single",
    () => response({}, encryptFor(original, { to: ourKey }) + evil),
    { privateKey: ourKey.key },
  );
  refuses(
    "an encrypted Assertion that holds another",
    "saml.assertion.place",
    () => response({}, encryptFor(evil.replace("</saml:Assertion>", `${original}</saml:Assertion>`), { to: ourKey })),
    { privateKey: ourKey.key },
  );
  refuses(
    "an encrypted Response",
    "saml.assertion.encrypted",
    () => response({}, encryptFor(signedResponse(), { to: ourKey })),
    { privateKey: ourKey.key },
  );
  refuses(
    "an encrypted Assertion of the Response's ID",
    "saml.id.unique",
    () => response({}, encryptFor(assertion({ assertionId: "_response" }), { to: ourKey })),
    { privateKey: ourKey.key },
  );
  refuses(
    "a tampered ciphertext",
    "saml.assertion.encrypted",
    () => {
      const encrypted = encryptFor(original, { to: ourKey });
      const value =
        /<xenc:CipherValue>([^<]*)<\/xenc:CipherValue><\/xenc:CipherData><\/xenc:EncryptedData>/.exec(encrypted)?.[1] ??
        assert.fail();
      const bytes = Buffer.from(value, "base64");
      bytes.writeUInt8((bytes[40] ?? 0) ^ 1, 40);
      return response({}, change(encrypted, value, bytes.toString("base64")));
    },
    { privateKey: ourKey.key },
  );
});

describe("refused though its name is encrypted for us", () => {
  const name = (value: string): string =>
    `<saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">${value}</saml:NameID>`;
  const hidden = (content: string, more: object = {}): string =>
    encryptFor(content, { to: ourKey, as: "EncryptedID", ...more });
  const cases: readonly (readonly [what: string, check: string, nameIdXml: string])[] = [
    ["an EncryptedID beside a NameID", "saml.subject.encrypted", hidden(name("jane")) + name("admin")],
    ["a NameID beside an EncryptedID", "saml.subject.encrypted", name("admin") + hidden(name("jane"))],
    ["two EncryptedIDs", "saml.subject.encrypted", hidden(name("jane")) + hidden(name("admin"))],
    ["an encrypted Assertion as a name", "saml.subject.encrypted", hidden(assertion())],
    ["an encrypted BaseID", "saml.subject.encrypted", hidden(name("jane").replaceAll("NameID", "BaseID"))],
    ["an encrypted NameID of another namespace", "saml.subject.encrypted", hidden("<NameID>jane</NameID>")],
    ["an encrypted NameID with an element in it", "saml.subject.encrypted", hidden(name("ja<b/>ne"))],
    ["a comment in an encrypted NameID", "saml.xml.comment", hidden(name("jane<!-- -->.evil"))],
    ["an entity in an encrypted NameID", "saml.xml.doctype", hidden(`<!DOCTYPE a [<!ENTITY b "c">]>${name("&b;")}`)],
    ["an encrypted name without a value", "saml.subject.name_id", hidden(name(" "))],
    ["a name whose key is wrapped by RSA 1.5", "saml.assertion.encrypted", hidden(name("jane"), { wrap: "rsa-1_5" })],
    ["a name encrypted for somebody else", "saml.assertion.encrypted", hidden(name("jane"), { to: stranger })],
  ];
  for (const [what, check, nameIdXml] of cases) {
    refuses(what, check, () => signedResponse({ nameIdXml }), { privateKey: ourKey.key });
  }
  refuses(
    "an EncryptedID that was put into the signed Assertion",
    "saml.signature.digest",
    () => change(signedAssertion(), part(signedAssertion(), "NameID"), hidden(name("admin"))),
    { privateKey: ourKey.key },
  );
  refuses(
    "an EncryptedID that nobody signed",
    "saml.signature.present",
    () => response({ nameIdXml: hidden(name("admin")) }),
    { privateKey: ourKey.key },
  );
});

describe("refused for how its key is wrapped", () => {
  const wrapped = (more: object, edit = (document: string): string => document): string =>
    response({}, edit(encryptFor(sign(assertion(), "Assertion", { pair }), { to: ourKey, ...more })));
  const cases: readonly (readonly [what: string, document: () => string])[] = [
    ["RSA 1.5 (Bleichenbacher)", () => wrapped({ wrap: "rsa-1_5" })],
    [
      "RSA-OAEP that says RSA 1.5",
      () => wrapped({}, (text) => change(text, "xmlenc#rsa-oaep-mgf1p", "xmlenc#rsa-1_5")),
    ],
    ["a mask that nobody knows", () => wrapped({ wrap: "rsa-oaep" }, (text) => change(text, "#mgf1sha1", "#mgf1md5"))],
    ["a hash that nobody knows", () => wrapped({}, (text) => change(text, "xmldsig#sha1", "xmldsig-more#md5"))],
    [
      "another mask than it was closed with",
      () => wrapped({ wrap: "rsa-oaep" }, (text) => change(text, "#mgf1sha1", "#mgf1sha256")),
    ],
    [
      "another hash than it was closed with",
      () => wrapped({ wrap: "rsa-oaep", hash: "sha256" }, (text) => change(text, "xmlenc#sha256", "xmlenc#sha512")),
    ],
    [
      "another label than it was closed with",
      () => wrapped({ label: "a" }, (text) => change(text, ">YQ==<", ">Yg==<")),
    ],
    ["a label that is no base64", () => wrapped({ label: "a" }, (text) => change(text, ">YQ==<", ">?<"))],
    ["two hashes to choose from", () => wrapped({}, (text) => text.replace(/<ds:DigestMethod [^>]*\/>/, "$&$&"))],
    [
      "a key of another length than its cipher's",
      () => wrapped({}, (text) => change(text, "aes256-gcm", "aes128-gcm")),
    ],
    [
      "a wrapped key that was changed (Manger)",
      () => wrapped({ wrap: "rsa-oaep", hash: "sha256", mask: "sha1" }, (text) => flipped(text, 17)),
    ],
    ["a wrapped key that was changed", () => wrapped({}, (text) => flipped(text, 17))],
  ];
  for (const [what, document] of cases) {
    refuses(what, "saml.assertion.encrypted", document, { privateKey: ourKey.key });
  }

  it("by one and the same answer, whatever is wrong with the key", async () => {
    const reasons = new Set<string | undefined>();
    for (const mask of ["sha1", "sha256"]) {
      for (const at of [0, 100, 255]) {
        const document = wrapped({ wrap: "rsa-oaep", hash: "sha256", mask }, (text) => flipped(text, at));
        const victim = await openServiceProvider({ privateKey: ourKey.key }, {}, sp.clock);
        const { decisions } = await victim.finish(document, requestId);
        reasons.add(decisions.find(({ outcome }) => outcome === "fail")?.because);
      }
    }
    assert.deepEqual([...reasons], ["none of our keys opens it"]);
  });

  /** One bit of the wrapped key. */
  function flipped(text: string, at: number): string {
    const value = /<xenc:CipherValue>([^<]*)</.exec(text)?.[1] ?? assert.fail();
    const bytes = Buffer.from(value, "base64");
    bytes.writeUInt8((bytes[at] ?? 0) ^ 1, at);
    return change(text, value, bytes.toString("base64"));
  }
});

describe("refused though it is signed", () => {
  const both = (what: string, check: string, more: Partial<ResponseParts>, config: Config = {}): void => {
    refuses(`${what}; Response signed`, check, () => signedResponse(more), config);
    refuses(`${what}; Assertion signed`, check, () => signedAssertion(more), config);
  };
  const succeeded = "urn:oasis:names:tc:SAML:2.0:status:Success";
  const failedStatus = (inner: string): string =>
    `<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder">${inner}</samlp:StatusCode></samlp:Status>`;

  both("a failed login with an assertion in it", "saml.response.status", { status: failedStatus("") });
  both("Success nested in failure", "saml.response.status", {
    status: failedStatus(`<samlp:StatusCode Value="${succeeded}"/>`),
  });
  both("no Status", "saml.response.status", { status: "" });
  both("a Status without a code", "saml.response.status", { status: "<samlp:Status/>" });
  both("two codes", "saml.response.status", {
    status: `<samlp:Status><samlp:StatusCode Value="${succeeded}"/><samlp:StatusCode Value="${succeeded}"/></samlp:Status>`,
  });
  refuses("no Assertion", "saml.assertion.single", () => sign(response({}, ""), "Response", { pair }));
  refuses("two signed Assertions", "saml.assertion.single", () =>
    sign(response({}, assertion() + assertion({ assertionId: "_two" })), "Response", { pair }),
  );

  both("another Issuer of the Assertion", "saml.assertion.issuer", {
    issuer: "https://evil.example",
    responseIssuer: "https://idp.example.com/idp",
  });
  refuses("no Issuer of the Assertion", "saml.assertion.issuer", () =>
    signedResponse({ issuer: undefined, responseIssuer: "https://idp.example.com/idp" }),
  );
  both("another Issuer of the Response", "saml.response.issuer", { responseIssuer: "https://evil.example" });
  refuses("no Issuer of a signed Response", "saml.response.issuer", () =>
    sign(response({ responseIssuer: undefined }), "Response", { pair, after: "Status" }),
  );
  refuses("an Issuer of another format", "saml.assertion.issuer", () =>
    sign(
      response(
        {},
        change(
          assertion(),
          "<saml:Issuer>",
          '<saml:Issuer Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">',
        ),
      ),
      "Response",
      { pair },
    ),
  );

  both("another Destination", "saml.response.destination", { destination: "https://other.example/callback" });
  refuses("no Destination of a signed Response", "saml.response.destination", () =>
    signedResponse({ destination: undefined }),
  );
  both("the answer to another request", "saml.response.in_response_to", { inResponseTo: "_other" });
  refuses("a Response that answers no request", "saml.response.in_response_to", () =>
    signedResponse({ inResponseTo: undefined, subjectInResponseTo: requestId }),
  );
  both("an Assertion that answers another request", "saml.subject.in_response_to", { subjectInResponseTo: "_other" });
  both("an unsolicited Assertion", "saml.subject.in_response_to", { subjectInResponseTo: undefined });

  both("another Recipient", "saml.subject.recipient", { recipient: "https://other.example/callback" });
  both("no Recipient", "saml.subject.recipient", { recipient: undefined });
  both("holder of key", "saml.subject.method", { method: "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key" });
  both("sender vouches", "saml.subject.method", { method: "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches" });
  both("no confirmation", "saml.subject.confirmation", { confirmationsXml: "" });
  both("a confirmation without data", "saml.subject.confirmation", {
    confirmationsXml: '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"/>',
  });
  both("a confirmation that has expired", "saml.subject.time", { confirmedUntil: parts.now - 31_000 });
  both("a confirmation without an end", "saml.subject.time", { confirmedUntil: undefined });
  both("a confirmation that is not valid yet", "saml.subject.time", {
    confirmationNotBefore: new Date(parts.now + 31_000).toISOString(),
  });

  both("no Conditions", "saml.conditions.present", { conditionsXml: undefined });
  both("two Conditions", "saml.conditions.present", { conditionsXml: "<saml:Conditions/><saml:Conditions/>" });
  both("an assertion that has expired", "saml.conditions.time", { notOnOrAfter: parts.now - 31_000 });
  both("an assertion at the end of its skew", "saml.conditions.time", { notOnOrAfter: parts.now - 30_000 });
  both("an assertion that is not valid yet", "saml.conditions.time", { notBefore: parts.now + 31_000 });
  both("an assertion of the year 9999", "saml.conditions.time", { notBefore: "9999-01-01T00:00:00Z" });
  both("a time with an offset", "saml.time.form", { notOnOrAfter: "2099-01-01T00:00:00+02:00" });
  both("a time without a zone", "saml.time.form", { notOnOrAfter: "2099-01-01T00:00:00" });
  both("a day that does not exist", "saml.time.form", { notOnOrAfter: "2099-02-30T00:00:00Z" });
  both("a time that is none", "saml.time.form", { notBefore: "yesterday" });
  for (const audience of [
    "https://other.example",
    `${acsUrl}.evil`,
    `${acsUrl}/`,
    acsUrl.toUpperCase(),
    ` ${acsUrl}`,
    acsUrl.slice(0, -1),
  ]) {
    both(`the audience ${JSON.stringify(audience)}`, "saml.conditions.audience", { audience });
  }
  both("no audience", "saml.conditions.audience", { audience: undefined });
  both(
    "an audience that entityIssuer is not",
    "saml.conditions.audience",
    {},
    { entityIssuer: "https://dex.example.com" },
  );
  const restriction = (audience: string): string =>
    `<saml:AudienceRestriction><saml:Audience>${audience}</saml:Audience></saml:AudienceRestriction>`;
  both("a second audience restriction that does not name us", "saml.conditions.audience", {
    conditionsXml: `<saml:Conditions>${restriction(acsUrl)}${restriction("https://other.example")}</saml:Conditions>`,
  });
  both("a condition that nobody knows", "saml.conditions.understood", {
    conditionsXml: `<saml:Conditions>${restriction(acsUrl)}<saml:Condition/></saml:Conditions>`,
  });

  const name = (xml: string): Partial<ResponseParts> => ({ nameIdXml: xml });
  both("no NameID", "saml.subject.name_id", name(""));
  both("an empty NameID", "saml.subject.name_id", name("<saml:NameID/>"));
  both("a blank NameID", "saml.subject.name_id", name("<saml:NameID> \n\t</saml:NameID>"));
  both("two NameIDs", "saml.subject.name_id", name("<saml:NameID>jane</saml:NameID><saml:NameID>admin</saml:NameID>"));
  both("a NameID with an element in it", "saml.subject.name_id", name("<saml:NameID>admin<x/>jane</saml:NameID>"));
  both("an empty EncryptedID", "saml.assertion.encrypted", name("<saml:EncryptedID/>"), { privateKey: ourKey.key });
  refuses("two Subjects", "saml.subject.present", () => {
    const doubled = assertion().replace(
      "</saml:Subject>",
      "</saml:Subject><saml:Subject><saml:NameID>admin</saml:NameID></saml:Subject>",
    );
    return sign(response({}, doubled), "Response", { pair });
  });
  both("a session that has ended", "saml.authn.session", {
    authnXml: `<saml:AuthnStatement AuthnInstant="2026-01-01T00:00:00Z" SessionNotOnOrAfter="${new Date(parts.now - 31_000).toISOString()}"/>`,
  });
  both("no attributes", "saml.attribute.statement", { attributesXml: "" });
  both("no email", "saml.attribute.present", { attributes: { name: ["Jane"] } });
  both("an empty email", "saml.attribute.present", { attributes: { name: ["Jane"], email: [""], groups: [] } });
  both("an email that is only a FriendlyName", "saml.attribute.present", {
    attributesXml:
      '<saml:AttributeStatement><saml:Attribute Name="mail" FriendlyName="email"><saml:AttributeValue>a@b</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>',
  });
  both("an email whose value is an element", "saml.attribute.present", {
    attributesXml:
      '<saml:AttributeStatement><saml:Attribute Name="email"><saml:AttributeValue><x>a@b</x></saml:AttributeValue></saml:Attribute></saml:AttributeStatement>',
  });
});

describe("where a new login was asked for", () => {
  const since = (at: number): string =>
    signedResponse({ authnXml: `<saml:AuthnStatement AuthnInstant="${new Date(at).toISOString()}"/>` });

  it("an old one is refused, and one that does not say when", async () => {
    const documents = [since(parts.now - 3_600_000), signedResponse({ authnXml: "" })];
    for (const document of documents) {
      const fresh = await openServiceProvider({}, {}, sp.clock);
      assert.equal((await fresh.finish(document, requestId, { forceAuthn: true })).refusedBy, "saml.authn.fresh");
      const configured = await openServiceProvider({ forceAuthn: true }, {}, sp.clock);
      assert.equal((await configured.finish(document, requestId)).refusedBy, "saml.authn.fresh");
      assert.ok((await (await openServiceProvider({}, {}, sp.clock)).finish(document, requestId)).result?.ok);
    }
  });

  it("a new one is good", async () => {
    const fresh = await openServiceProvider({}, {}, sp.clock);
    assert.ok((await fresh.finish(since(parts.now), requestId, { forceAuthn: true })).result?.ok);
  });
});

describe("refused the second time", () => {
  it("the same response (saml.assertion.replay)", async () => {
    const victim = await openServiceProvider({}, {}, sp.clock);
    const document = signedResponse();
    assert.ok((await victim.finish(document, requestId)).result?.ok);
    assert.equal((await victim.finish(document, requestId)).refusedBy, "saml.assertion.replay");
  });

  it("another response to the same request (saml.assertion.replay)", async () => {
    const victim = await openServiceProvider({}, {}, sp.clock);
    assert.ok((await victim.finish(signedResponse(), requestId)).result?.ok);
    const other = signedResponse({ assertionId: "_another" });
    assert.equal((await victim.finish(other, requestId)).refusedBy, "saml.assertion.replay");
  });

  it("all but one of fifty at once (saml.assertion.replay)", async () => {
    const victim = await openServiceProvider({}, {}, sp.clock);
    const document = signedResponse();
    const finished = await Promise.all(Array.from({ length: 50 }, () => victim.finish(document, requestId)));
    assert.equal(finished.filter(({ result }) => result?.ok === true).length, 1);
    assert.equal(finished.filter(({ refusedBy }) => refusedBy === "saml.assertion.replay").length, 49);
  });
});

describe("taken by another connector's identity provider", () => {
  it("is refused: keys are each connector's own (saml.signature.key)", async () => {
    const other = await openServiceProvider({ caData: encode(stranger.certificate) }, {}, sp.clock);
    assert.equal((await other.finish(signedResponse(), requestId)).refusedBy, "saml.signature.key");
  });
});

describe("with insecureAllowMissingRestrictions", () => {
  const lax = { insecureAllowMissingRestrictions: true };
  it("what is absent passes, as in Dex", async () => {
    const bare = { recipient: undefined, confirmedUntil: undefined, conditionsXml: undefined, destination: undefined };
    const victim = await openServiceProvider(lax, {}, sp.clock);
    assert.ok((await victim.finish(signedResponse(bare), requestId)).result?.ok);
  });
  refuses(
    "what is wrong does not",
    "saml.subject.recipient",
    () => signedResponse({ recipient: "https://other.example" }),
    lax,
  );
  refuses(
    "a wrong audience does not",
    "saml.conditions.audience",
    () => signedResponse({ audience: "https://other.example" }),
    lax,
  );
});

describe("with insecureSkipSignatureValidation", () => {
  const blind = { insecureSkipSignatureValidation: true, caData: "" };
  it("an unsigned response passes, and the log says so from the start", async () => {
    const victim = await openServiceProvider(blind, {}, sp.clock);
    assert.match(victim.log.join(), /not verified/);
    assert.ok((await victim.finish(response(), requestId)).result?.ok);
  });
  refuses("the other checks remain", "saml.response.in_response_to", response({ inResponseTo: "_other" }), blind);
});

it("a SignedInfo as large as a message may be costs nobody a second (saml.signature.shape)", async () => {
  const prefixes = Array.from({ length: 32 }, (_, index) => `q${index}`);
  const listed = `<e:InclusiveNamespaces xmlns:e="${exclusive}" PrefixList="${prefixes.join(" ")}"/>`;
  const deep = `${"<ds:x>".repeat(40)}${"<ds:y/>".repeat(60_000)}${"</ds:x>".repeat(40)}`;
  const document = signedResponse().replace(
    /<(ds:)?CanonicalizationMethod Algorithm="[^"]*"\s*\/>/,
    (method, ds = "") => {
      const open = method.replace(/\s*\/>$/, ">");
      return `${open}${listed}</${ds}CanonicalizationMethod>${ds === "" ? deep.replaceAll("ds:", "") : deep}`;
    },
  );
  assert.ok(document.length > 400_000);
  const began = process.cpuUsage();
  assert.equal(await refusal(document), "saml.signature.shape");
  const { user } = process.cpuUsage(began);
  assert.ok(user < 1_500_000, `${user} microseconds`);
});
