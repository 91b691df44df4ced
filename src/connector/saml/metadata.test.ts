import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { makeKeyPair, sign } from "../../../test/fake/saml-documents.ts";
import { readMetadata } from "./read-metadata.ts";
import { idpKey } from "./testing/service-provider.ts";
import { pinnedKeys } from "./trusted-keys.ts";

const now = Date.now() + 60_000;
const plain = {
  signers: undefined,
  entityId: undefined,
  ssoBinding: undefined,
  sloBinding: undefined,
  allowsSha1: false,
  now,
};
const certificateOf = (pem: string): string => pem.replace(/-----.*?-----/g, "");
const other = makeKeyPair("Other");

interface Parts {
  readonly entityId?: string;
  readonly attributes?: string;
  readonly keys?: string;
  readonly services?: string;
}

const keyOf = (pem: string, use = ' use="signing"'): string =>
  `<md:KeyDescriptor${use}><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>${certificateOf(pem)}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`;
const bindings = "urn:oasis:names:tc:SAML:2.0:bindings";
const sso = (binding: string, location: string): string =>
  `<md:SingleSignOnService Binding="${bindings}:${binding}" Location="${location}"/>`;
const slo = (binding: string, location: string, more = ""): string =>
  `<md:SingleLogoutService Binding="${bindings}:${binding}" Location="${location}"${more}/>`;
const both = sso("HTTP-Redirect", "https://idp.example/redirect") + sso("HTTP-POST", "https://idp.example/post");

const entity = ({
  entityId = "https://idp.example",
  attributes = "",
  keys = keyOf(idpKey.certificate),
  services = both,
}: Parts = {}): string =>
  `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" ID="_${entityId.length}" entityID="${entityId}"${attributes}><md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">${keys}${services}</md:IDPSSODescriptor></md:EntityDescriptor>`;
const entities = (...inside: readonly string[]): string =>
  `<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">${inside.join("")}</md:EntitiesDescriptor>`;
const read = (document: string, policy: Partial<Parameters<typeof readMetadata>[1]> = {}) =>
  readMetadata(Buffer.from(document), { ...plain, ...policy });

describe("metadata", () => {
  it("says who, where and by which keys; a form is preferred to an address", () => {
    const { entityId, sso: endpoint, slo: logout, keys } = read(entity());
    assert.equal(entityId, "https://idp.example");
    assert.deepEqual([endpoint.binding, endpoint.url.href, logout], ["post", "https://idp.example/post", undefined]);
    assert.ok(keys[0]?.key.equals(pinnedKeys(idpKey.certificate)[0]?.key ?? assert.fail()));
  });

  it("is asked for the binding that is configured", () => {
    assert.equal(read(entity(), { ssoBinding: "redirect" }).sso.url.href, "https://idp.example/redirect");
  });

  it("lists every key that may sign, and none that only encrypts", () => {
    const keys =
      keyOf(idpKey.certificate) + keyOf(other.certificate, "") + keyOf(makeKeyPair().certificate, ' use="encryption"');
    assert.equal(read(entity({ keys })).keys.length, 2);
  });

  it("may name another address for logout responses", () => {
    const services =
      both + slo("HTTP-Redirect", "https://idp.example/slo", ' ResponseLocation="https://idp.example/slo-response"');
    assert.equal(read(entity({ services })).slo?.responseUrl?.href, "https://idp.example/slo-response");
  });

  it("may hold comments, which change nothing", () => {
    assert.equal(
      read(`<!-- a -->${entity().replace("<md:IDP", "<!-- b --><md:IDP")}<!-- c -->`).entityId,
      "https://idp.example",
    );
  });

  it("of several providers is read where ssoIssuer chooses", () => {
    const document = entities(entity(), entity({ entityId: "https://two.example" }));
    assert.equal(read(document, { entityId: "https://two.example" }).entityId, "https://two.example");
    assert.throws(() => read(document), /several identity providers; name one in ssoIssuer/);
    assert.throws(() => read(document, { entityId: "https://three.example" }), /does not describe/);
    assert.throws(() => read(entity(), { entityId: "https://three.example" }), /and ssoIssuer is/);
  });

  const broken: Readonly<Record<string, readonly [string, RegExp]>> = {
    "no XML": ["<html>", /without an end/],
    "another document": ["<a/>", /no metadata/],
    "a DOCTYPE": [`<!DOCTYPE a>${entity()}`, /document type/],
    "no identity provider": [entity().replaceAll("IDPSSODescriptor", "SPSSODescriptor"), /no identity provider/],
    "no key": [entity({ keys: "" }), /no signing key/],
    "a key that is none": [entity({ keys: keyOf("AAAA") }), /./],
    "no address that we speak": [
      entity({ services: sso("SOAP", "https://idp.example/soap") }),
      /no single sign-on address/,
    ],
    "an address of another scheme": [
      entity({ services: sso("HTTP-POST", "javascript:alert(1)") }),
      /no single sign-on address/,
    ],
    "a time that is over": [entity({ attributes: ' validUntil="2020-01-01T00:00:00Z"' }), /was valid until 2020/],
  };
  for (const [what, [document, message]] of Object.entries(broken)) {
    it(`is refused: ${what}`, () => assert.throws(() => read(document), message));
  }

  it("must be signed by a pinned key, where one is pinned", () => {
    const signers = pinnedKeys(idpKey.certificate);
    assert.throws(() => read(entity(), { signers }), /not signed/);
    const signed = sign(entity(), "EntityDescriptor", { pair: idpKey, after: "" });
    assert.equal(read(signed, { signers }).entityId, "https://idp.example");
    assert.throws(() => read(signed, { signers: pinnedKeys(other.certificate) }), /by none of the 1 trusted keys/);
    assert.throws(
      () => read(signed.replace("idp.example/post", "evil.example/post"), { signers }),
      /not what was signed/,
    );
    const wrapped = entities(entity({ entityId: "https://evil.example" }), signed);
    assert.throws(() => read(wrapped, { signers }), /not signed/);
  });

  it("that is any text at all is read or refused, and nothing else", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.nat(entity().length), (noise, at) => {
        const document = entity().slice(0, at) + noise + entity().slice(at);
        try {
          assert.equal(read(document).entityId !== undefined, true);
        } catch (error) {
          assert.ok(
            error instanceof Error && !(error instanceof TypeError && !/encod|URL/i.test(error.message)),
            String(error),
          );
        }
      }),
    );
  });
});
