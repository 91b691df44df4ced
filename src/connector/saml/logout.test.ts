import assert from "node:assert/strict";
import { createSign } from "node:crypto";
import { describe, it } from "node:test";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { encode, encryptFor, makeKeyPair, makeResponse, sign } from "../../../test/fake/saml-documents.ts";
import type { Decision } from "../../kernel/ports.ts";
import { Secret } from "../../kernel/secret.ts";
import type { Callback } from "../contract.ts";
import { acsUrl, loginOf, openServiceProvider, idpKey as pair } from "./testing/service-provider.ts";

const ours = makeKeyPair("Dex");
const here = "http://127.0.0.1:5556/dex/logout/callback";
const config = { sloURL: "https://idp.example.com/slo", privateKey: ours.key, entityIssuer: "urn:dex" };
const sp = await openServiceProvider(config);

interface LogoutParts {
  readonly id?: string;
  readonly destination?: string;
  readonly issuer?: string;
  readonly nameId?: string;
  readonly sessions?: readonly string[];
  readonly issued?: number;
  readonly until?: number;
  readonly root?: string;
}

let made = 0;
function request({ id = `_logout${++made}`, ...parts }: LogoutParts = {}): string {
  const issued = new Date(parts.issued ?? sp.clock.now()).toISOString();
  const until = parts.until === undefined ? "" : ` NotOnOrAfter="${new Date(parts.until).toISOString()}"`;
  const sessions = (parts.sessions ?? ["_session"]).map((index) => `<samlp:SessionIndex>${index}</samlp:SessionIndex>`);
  const root = parts.root ?? "LogoutRequest";
  return `<samlp:${root} xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="${id}" Version="2.0" IssueInstant="${issued}" Destination="${parts.destination ?? here}"${until}><saml:Issuer>${parts.issuer ?? "https://idp.example.com/idp"}</saml:Issuer>${parts.nameId ?? "<saml:NameID>jane</saml:NameID>"}${sessions.join("")}</samlp:${root}>`;
}

/** As the redirect binding signs: over the query. SAML Bindings §3.4.4.1. */
function redirected(document: string, { key = pair.key, relayState = "r s", method = "rsa-sha256" } = {}): string {
  const algorithm = `http://www.w3.org/2001/04/xmldsig-more#${method}`;
  const fields = {
    SAMLRequest: deflateRawSync(document).toString("base64"),
    RelayState: relayState,
    SigAlg: algorithm,
  };
  const query = Object.entries(fields)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join("&");
  const signature = createSign("sha256").update(query).sign(key, "base64");
  return `${query}&Signature=${encodeURIComponent(signature)}`;
}

const byGet = (query: string): Callback => ({
  method: "GET",
  url: new URL(`${here}?${query}`),
  headers: {},
  form: new Map(),
  peer: "127.0.0.1",
});
const byPost = (document: string): Callback => ({
  ...byGet(""),
  method: "POST",
  url: new URL(here),
  form: new Map([
    ["SAMLRequest", encode(document)],
    ["RelayState", "r s"],
  ]),
});
const signed = (document: string, local = "LogoutRequest"): string => sign(document, local, { pair });

async function hear(message: Callback, connector = sp.connector) {
  const decisions: Decision[] = [];
  const { trail, signal } = loginOf(decisions, true);
  try {
    return { ended: await connector.hearLogout?.(message, { trail, signal }), refusedBy: undefined };
  } catch {
    return { ended: undefined, refusedBy: decisions.find(({ outcome }) => outcome === "fail")?.check };
  }
}

describe("a logout that the upstream begins", () => {
  it("ends the session it names, and is answered", async () => {
    const { ended } = await hear(byGet(redirected(request({ id: "_this" }))));
    assert.deepEqual([ended?.userId, ended?.upstreamSessionId], ["jane", "_session"]);
    assert.equal(ended?.answer?.kind, "redirect");
    const { searchParams, origin, pathname } = ended.answer.to;
    assert.equal(origin + pathname, "https://idp.example.com/slo");
    assert.equal(searchParams.get("RelayState"), "r s");
    const response = inflateRawSync(Buffer.from(searchParams.get("SAMLResponse") ?? "", "base64")).toString();
    assert.match(response, /^<samlp:LogoutResponse .* InResponseTo="_this">.*status:Success/);
    assert.ok(searchParams.has("Signature"));
  });

  it("may come as a form, signed within", async () => {
    const { ended } = await hear(byPost(signed(request())));
    assert.deepEqual([ended?.userId, ended?.upstreamSessionId], ["jane", "_session"]);
    const tampered = signed(request()).replace("jane", "admin");
    assert.equal((await hear(byPost(tampered))).refusedBy, "saml.signature.digest");
  });

  it("may name the person in secret", async () => {
    const inClear = `<saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">jane</saml:NameID>`;
    const nameId = encryptFor(inClear, { to: ours, as: "EncryptedID" });
    for (const message of [byGet(redirected(request({ nameId }))), byPost(signed(request({ nameId })))])
      assert.equal((await hear(message)).ended?.userId, "jane");
    const both = request({ nameId: `${nameId}<saml:NameID>admin</saml:NameID>` });
    assert.equal((await hear(byPost(signed(both)))).refusedBy, "saml.subject.encrypted");
  });

  it("ends all of the person's where it names none, or several", async () => {
    for (const sessions of [[], ["_one", "_two"]]) {
      const { ended } = await hear(byGet(redirected(request({ sessions }))));
      assert.deepEqual([ended?.userId, ended?.upstreamSessionId], ["jane", undefined]);
    }
  });

  const refused: Readonly<Record<string, readonly [string, () => Callback]>> = {
    nothing: ["saml.message.present", () => byGet("")],
    "no signature": ["saml.signature.present", () => byGet(redirected(request()).replace(/&SigAlg.*/, ""))],
    "no signature in a form": ["saml.signature.present", () => byPost(request())],
    "a stranger's": ["saml.signature.key", () => byGet(redirected(request(), { key: ours.key }))],
    "a changed RelayState": ["saml.signature.key", () => byGet(redirected(request()).replace("r%20s", "evil"))],
    "a changed message": [
      "saml.signature.key",
      () =>
        byGet(
          redirected(request()).replace(
            /SAMLRequest=[^&]*/,
            `SAMLRequest=${encodeURIComponent(deflateRawSync(request({ nameId: "<saml:NameID>admin</saml:NameID>" })).toString("base64"))}`,
          ),
        ),
    ],
    "a parameter twice": ["saml.message.present", () => byGet(`${redirected(request())}&SAMLRequest=x`)],
    "an unknown method": ["saml.signature.algorithm", () => byGet(redirected(request(), { method: "hmac-sha256" }))],
    "a bomb": ["saml.message.deflate", () => byGet(redirected("x".repeat(4_000_000)))],
    "another root": ["saml.message.root", () => byGet(redirected(request({ root: "LogoutResponse" })))],
    "another Destination": [
      "saml.logout.destination",
      () => byGet(redirected(request({ destination: "https://other.example/slo" }))),
    ],
    "another Issuer": ["saml.logout.issuer", () => byGet(redirected(request({ issuer: "https://evil.example" })))],
    "an old one": ["saml.logout.time", () => byGet(redirected(request({ issued: sp.clock.now() - 6 * 60_000 })))],
    "one that is over": ["saml.logout.time", () => byGet(redirected(request({ until: sp.clock.now() - 31_000 })))],
    "no NameID": ["saml.logout.name_id", () => byGet(redirected(request({ nameId: "" })))],
    "a response in its place": [
      "saml.message.root",
      () => byPost(signed(makeResponse({ now: sp.clock.now(), acsUrl, inResponseTo: "_x" }), "Response")),
    ],
  };
  for (const [what, [check, message]] of Object.entries(refused)) {
    it(`is refused: ${what} (${check})`, async () => assert.equal((await hear(message())).refusedBy, check));
  }

  it("is heard once", async () => {
    const query = redirected(request());
    assert.ok((await hear(byGet(query))).ended);
    assert.equal((await hear(byGet(query))).refusedBy, "saml.logout.replay");
  });
});

describe("a logout that we begin", () => {
  const connectorData = new Secret(
    Buffer.from(JSON.stringify({ userId: "jane", nameID: { format: "urn:f", spNameQualifier: "q&q" } })),
  );
  const asked = { userId: "jane <j>", connectorData, upstreamSessionId: "_s", returnTo: new URL(here), state: "state" };
  const { trail, signal } = loginOf([], true);

  it("names the person as the upstream does, and is signed", async () => {
    const departure = await sp.connector.logout?.(asked, { trail, signal });
    assert.equal(departure?.kind, "redirect");
    const { searchParams } = departure.to;
    const document = inflateRawSync(Buffer.from(searchParams.get("SAMLRequest") ?? "", "base64")).toString();
    assert.match(
      document,
      /Format="urn:f" SPNameQualifier="q&amp;q">jane &lt;j&gt;<\/saml:NameID><samlp:SessionIndex>_s</,
    );
    assert.match(document, /<saml:Issuer [^>]*>urn:dex</);
    assert.deepEqual([searchParams.get("RelayState"), searchParams.has("Signature")], ["state", true]);
  });

  it("goes by a form where it is to, and nowhere without an address or a key", async () => {
    const open = async (more: object) => (await openServiceProvider({ ...config, ...more })).connector;
    const form = await (await open({ sloBinding: "post" })).logout?.(asked, { trail, signal });
    assert.equal(form?.kind, "post");
    assert.match(Buffer.from(form.fields.SAMLRequest ?? "", "base64").toString(), /<ds:SignatureValue>/);
    for (const more of [{ sloURL: "" }, { privateKey: "" }]) {
      const decisions: Decision[] = [];
      const context = { ...loginOf(decisions, true) };
      assert.equal(await (await open(more)).logout?.(asked, context), undefined);
      assert.equal(decisions[0]?.check, "saml.logout.possible");
    }
  });
});
