/** Real identity providers, each in every way it can answer, against our connector. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { acsUrl, type Finished, openServiceProvider } from "../../src/connector/saml/testing/service-provider.ts";
import { connectorDeps } from "../fake/connector-deps.ts";
import { handClock } from "../fake/hand-clock.ts";
import { makeKeyPair } from "../fake/saml-documents.ts";
import { noXmlsec, verifyWithXmlsec } from "../fake/xmlsec.ts";
import { SamlBrowser } from "./saml-browser.ts";
import { type Samlp, samlpJane, startSamlp } from "./samlp.ts";
import { noSimpleSaml, type SimpleSaml, type SimpleSamlVariant, startSimpleSaml } from "./simplesaml.ts";

/** The identity providers live by the machine's clock. */
const onTime = () => handClock(Date.now());
const base64 = (text: string): string => Buffer.from(text).toString("base64");

type Config = Readonly<Record<string, unknown>>;

interface Told {
  readonly userId?: string;
  readonly username?: string;
  readonly email?: string;
  readonly groups?: readonly string[];
}

function told({ result, error }: Finished): Told {
  assert.ifError(error);
  assert.ok(result?.ok, JSON.stringify(result));
  const { userId, username, email, groups } = result.identity;
  return { userId, username, groups, ...(email === undefined ? {} : { email }) };
}

const jane = { userId: "jane", username: "Jane Doe", email: "janedoe@example.com", groups: ["admins", "developers"] };

describe("SimpleSAMLphp", { skip: noSimpleSaml }, () => {
  let idp: SimpleSaml;
  before(async () => {
    idp = await startSimpleSaml({ acsUrl });
  });
  after(() => idp?.stop());

  const configOf = (variant: SimpleSamlVariant, more: Config = {}): Config => ({
    ssoURL: idp.ssoUrl,
    ssoIssuer: idp.entityId,
    entityIssuer: variant,
    caData: base64(idp.idp.certificate),
    ...more,
  });

  /** A whole login at the identity provider; what our connector is shown in the end. */
  async function signIn(variant: SimpleSamlVariant, more: Config = {}, [user, password] = ["jane", "foo"]) {
    const sp = await openServiceProvider(configOf(variant, more), {}, onTime());
    const { departure, requestId } = await sp.begin();
    const browser = new SamlBrowser();
    const page = await browser.signIn(await browser.depart(departure), user, password);
    assert.equal(page.action, acsUrl);
    assert.equal(page.fields.RelayState, "relay-state");
    return { sp, requestId, browser, response: page.fields.SAMLResponse ?? "" };
  }

  const finish = async ({ sp, requestId, response }: Awaited<ReturnType<typeof signIn>>): Promise<Finished> =>
    sp.finish(response, requestId, { isEncoded: true });

  for (const variant of [
    "urn:test:both",
    "urn:test:assertion-only",
    "urn:test:response-only",
    "urn:test:sha512",
  ] as const) {
    it(`${variant} signs jane in`, async () => assert.deepEqual(told(await finish(await signIn(variant))), jane));
  }

  it("what we accept, xmlsec1 accepts too", { skip: noXmlsec }, async () => {
    const { response } = await signIn("urn:test:both");
    const document = Buffer.from(response, "base64").toString();
    const ids = [...document.matchAll(/<(?:samlp:Response|saml:Assertion)[^>]* ID="([^"]*)"/g)].map(
      ([, id]) => id ?? "",
    );
    assert.equal(ids.length, 2);
    for (const id of ids) assert.ok(verifyWithXmlsec(document, idp.idp.certificate, id), id);
  });

  it("unsigned is refused", async () => {
    assert.equal((await finish(await signIn("urn:test:unsigned"))).refusedBy, "saml.signature.present");
  });

  it("SHA-1 is refused until it is allowed", async () => {
    const attempt = await signIn("urn:test:sha1", { insecureAllowSHA1: true });
    const strict = await openServiceProvider(configOf("urn:test:sha1"));
    assert.equal(
      (await strict.finish(attempt.response, attempt.requestId, { isEncoded: true })).refusedBy,
      "saml.signature.sha1",
    );
    assert.deepEqual(told(await finish(attempt)), jane);
  });

  it("an email address may be the name", async () => {
    const { userId } = told(await finish(await signIn("urn:test:email", { nameIDPolicyFormat: "emailAddress" })));
    assert.equal(userId, "janedoe@example.com");
  });

  it("markup, other alphabets and separators come through", async () => {
    const { username, groups } = told(await finish(await signIn("urn:test:both", {}, ["asa", "bäz"])));
    assert.equal(username, `Åsa <Müller> & "Co" 'x' ]]>`);
    assert.deepEqual(groups, ["developers, ops", "<admins>"]);
  });

  it("AES-CBC inside a signed Response is opened, and nobody else can", async () => {
    const attempt = await signIn("urn:test:encrypted", { privateKey: idp.sp.key });
    assert.match(Buffer.from(attempt.response, "base64").toString(), /EncryptedAssertion.*aes128-cbc/s);
    assert.deepEqual(told(await finish(attempt)), jane);
    const stranger = await openServiceProvider(configOf("urn:test:encrypted", { privateKey: makeKeyPair().key }));
    const finished = await stranger.finish(attempt.response, attempt.requestId, { isEncoded: true });
    assert.equal(finished.refusedBy, "saml.assertion.encrypted");
  });

  it("a name that is encrypted by itself is opened", async () => {
    const attempt = await signIn("urn:test:encrypted-name", { privateKey: idp.sp.key });
    assert.match(Buffer.from(attempt.response, "base64").toString(), /<saml:Subject><saml:EncryptedID>/);
    assert.deepEqual(told(await finish(attempt)), jane);
  });

  it("AES-CBC without a signature around it is refused: it would answer an attacker's guesses", async () => {
    const finished = await finish(await signIn("urn:test:encrypted-alone", { privateKey: idp.sp.key }));
    assert.equal(finished.refusedBy, "saml.assertion.encrypted");
    assert.match(finished.error?.message ?? "", /let the identity provider use GCM, or sign the Response/);
  });

  for (const requestBinding of ["post", "redirect"]) {
    it(`takes our signed request by ${requestBinding}, and only ours`, async () => {
      const config = { privateKey: idp.sp.key, requestBinding };
      assert.deepEqual(told(await finish(await signIn("urn:test:signed-requests", config))), jane);
      await assert.rejects(signIn("urn:test:signed-requests", { requestBinding }), /no form/);
      await assert.rejects(
        signIn("urn:test:signed-requests", { requestBinding, privateKey: makeKeyPair().key }),
        /no form/,
      );
    });
  }

  it("is found by its metadata", async () => {
    const sp = { metadataURL: idp.metadataUrl, ssoURL: "", caData: "", ssoIssuer: "" };
    assert.deepEqual(told(await finish(await signIn("urn:test:both", sp))), jane);
  });

  it("another key than the pinned one is refused", async () => {
    const finished = await finish(
      await signIn("urn:test:both", { caData: base64(makeKeyPair("SimpleSAMLphp").certificate) }),
    );
    assert.equal(finished.refusedBy, "saml.signature.key");
  });

  it("an answer that waited too long is refused", async () => {
    const attempt = await signIn("urn:test:both");
    await attempt.sp.clock.advance(6 * 60_000);
    assert.equal((await finish(attempt)).refusedBy, "saml.subject.time");
  });

  it("authenticates anew where we ask for it, and knows the context", async () => {
    const attempt = await signIn("urn:test:both", { forceAuthn: true });
    const { result } = await finish(attempt);
    assert.ok(result?.ok);
    assert.equal(result.identity.acr, "urn:oasis:names:tc:SAML:2.0:ac:classes:Password");
    const other = await openServiceProvider(
      configOf("urn:test:both", { authnContextClassRefs: ["urn:example:smartcard"] }),
    );
    const finished = await other.finish(attempt.response, attempt.requestId, { isEncoded: true });
    assert.equal(finished.refusedBy, "saml.authn.context");
  });

  it("ends its session when ours ends, and then asks for the password again", async () => {
    const config = { privateKey: idp.sp.key, metadataURL: idp.metadataUrl, ssoURL: "", caData: "", ssoIssuer: "" };
    const attempt = await signIn("urn:test:signed-requests", config);
    const { result } = await finish(attempt);
    assert.ok(result?.ok);
    const { userId, connectorData, upstreamSessionId } = result.identity;
    assert.ok(upstreamSessionId !== undefined && connectorData !== undefined);
    const returnTo = new URL(acsUrl.replace("/callback", "/logout/callback"));
    const request = { userId, connectorData, upstreamSessionId, returnTo, state: "logout-state" };
    const context = { trail: { note: () => undefined }, signal: new AbortController().signal };
    const departure = await attempt.sp.connector.logout?.(request, context);
    assert.equal(departure?.kind, "redirect");
    const back = await attempt.browser.ask(departure.to.href, undefined, returnTo.href);
    const answer = new URL(back.action).searchParams;
    assert.equal(answer.get("RelayState"), "logout-state");
    assert.ok(answer.has("SAMLResponse") && answer.has("Signature"));
    const again = await attempt.browser.depart((await attempt.sp.begin()).departure);
    assert.ok("password" in again.fields, "still signed in");
  });
});

describe("samlp", () => {
  let idp: Samlp;
  before(async () => {
    idp = await startSamlp(acsUrl);
  });
  after(() => idp?.close());

  const configOf = (more: Config = {}): Config => ({
    ssoURL: idp.ssoUrl,
    ssoIssuer: idp.entityId,
    entityIssuer: "urn:dex",
    caData: base64(idp.key.certificate),
    ...more,
  });
  const byMetadata = (): Config => configOf({ metadataURL: idp.metadataUrl, ssoURL: "", ssoIssuer: "", caData: "" });
  const openAt = (config: Config) => {
    const deps = connectorDeps({ id: "saml" });
    return openServiceProvider(
      config,
      { openFetch: (options) => deps.openFetch({ ...options, deadline: 500 }) },
      onTime(),
    );
  };

  async function signIn(sp: Awaited<ReturnType<typeof openAt>>, options: Config = {}): Promise<Finished> {
    idp.options = options;
    const { departure, requestId } = await sp.begin();
    const page = await new SamlBrowser().depart(departure);
    assert.equal(page.action, acsUrl);
    return sp.finish(page.fields.SAMLResponse ?? "", requestId, { isEncoded: true });
  }

  for (const [variant, options] of Object.entries({
    "an assertion signed": {},
    "both signed": { signResponse: true },
    "the response signed": { signResponse: true, signAssertion: false },
    "values without a type": { typedAttributes: false },
    "prefixes on the signature": { signResponse: true, signatureNamespacePrefix: "dsig" },
  })) {
    it(`signs jane in with ${variant}`, async () => {
      assert.deepEqual(told(await signIn(await openAt(configOf()), options)), jane);
    });
  }

  it("without a signature is refused", async () => {
    assert.equal(
      (await signIn(await openAt(configOf()), { signAssertion: false })).refusedBy,
      "saml.signature.present",
    );
  });

  it("encrypts for us", async () => {
    const ours = makeKeyPair("Dex");
    const encryption = { encryptionCert: ours.certificate, encryptionPublicKey: ours.certificate };
    assert.deepEqual(told(await signIn(await openAt(configOf({ privateKey: ours.key })), encryption)), jane);
  });

  it("may rotate its key: metadata is read again at once, and at most each minute", async () => {
    const sp = await openAt(byMetadata());
    assert.deepEqual(told(await signIn(sp)), jane);
    idp.rotateKey();
    const before = idp.metadataAsked;
    assert.deepEqual(told(await signIn(sp)), jane);
    assert.equal(idp.metadataAsked, before + 1);
    // A stranger's key has nothing read twice.
    const stranger = makeKeyPair("stranger");
    for (let attempt = 0; attempt < 3; attempt++) {
      const finished = await signIn(sp, { key: stranger.key, cert: stranger.certificate });
      assert.equal(finished.refusedBy, "saml.signature.key");
    }
    assert.equal(idp.metadataAsked, before + 1);
    await sp.connector.close?.();
  });

  it("keeps what it knows while metadata is dead, and heals by itself", async () => {
    const sp = await openAt({ ...byMetadata(), metadataRefresh: "1m" });
    assert.deepEqual(told(await signIn(sp)), jane);
    for (const mode of ["broken", "garbage", "silent"] as const) {
      idp.metadataMode = mode;
      const before = idp.metadataAsked;
      await sp.clock.advance(75_000);
      for (let waited = 0; waited < 100 && idp.metadataAsked === before; waited++) await wait(10);
      assert.ok(idp.metadataAsked > before);
      assert.deepEqual(told(await signIn(sp)), jane);
    }
    idp.metadataMode = "good";
    await sp.connector.close?.();
  });

  for (const mode of ["broken", "garbage", "silent"] as const) {
    it(`is unavailable, and nothing worse, while its metadata is ${mode} from the start`, async () => {
      idp.metadataMode = mode;
      const sp = await openAt(byMetadata());
      await assert.rejects(sp.begin(), { name: "UnavailableError" });
      idp.metadataMode = "good";
      // The next reading is due in seconds; the connector needs no new start.
      for (let waited = 0; waited < 20; waited++) {
        await sp.clock.advance(10_000);
        const begun = await sp.begin().catch(() => undefined);
        if (begun !== undefined) break;
        await wait(100);
      }
      assert.deepEqual(told(await signIn(sp)), jane);
      await sp.connector.close?.();
    });
  }

  it("may list ten thousand groups", async () => {
    const groups = Array.from({ length: 10_000 }, (_, index) => `group-${index}`);
    idp.user = { ...samlpJane, claims: { ...samlpJane.claims, groups } };
    assert.deepEqual(told(await signIn(await openAt(configOf()))).groups, groups);
    idp.user = samlpJane;
  });

  it("keeps every reserved character", async () => {
    const name = `<a b="c">&amp; 'x' ]]> --> %41 + = / \u{1F600} é\u0301`;
    idp.user = { id: "a&b<c>", claims: { ...samlpJane.claims, name } };
    const { userId, username } = told(await signIn(await openAt(configOf())));
    assert.deepEqual({ userId, username }, { userId: "a&b<c>", username: name });
    idp.user = samlpJane;
  });
});
