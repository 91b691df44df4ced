import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { noWishes } from "../../../test/fake/connector-deps.ts";
import { Secret } from "../../kernel/secret.ts";
import { samlConfig } from "./config.ts";
import { acsUrl, baseConfig, idpKey, loginOf, openServiceProvider, requestIn } from "./testing/service-provider.ts";
import { attributeOf, childrenOf, textOf } from "./xml/tree.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const mistakesOf = (more: Readonly<Record<string, unknown>>): readonly string[] => {
  const { error } = samlConfig.safeParse({ ...baseConfig, ...more });
  return (error?.issues ?? []).map(({ path, message }) => `${path.join(".")}: ${message}`);
};

/** compat(dex): connector/saml in its own words, where Dex has the mistake. */
describe("the configuration", () => {
  const cases: readonly (readonly [Readonly<Record<string, unknown>>, readonly string[]])[] = [
    [{}, []],
    [{ allowedGroups: null, groupsDelim: null, filterGroups: null, ca: null }, []],
    [{ ssoURL: "" }, [': missing required field "ssoURL"']],
    [{ usernameAttr: "", emailAttr: "" }, [': missing required fields ["usernameAttr" "emailAttr"]']],
    [{ caData: "" }, [": must provide either 'ca' or 'caData'"]],
    [{ ca: "/etc/ca" }, [": must provide either 'ca' or 'caData'"]],
    [{ caData: "", insecureSkipSignatureValidation: true }, []],
    [{ caData: "%%%" }, ["caData: illegal base64 data: give the base64 of the PEM text"]],
    [{ caData: base64(idpKey.certificate).replace(/(.{64})/g, "$1\n") }, []],
    [{ caData: base64(`\n\n${idpKey.certificate}\n  \n${idpKey.certificate} \n`) }, []],
    [{ caData: base64("  ") }, ["caData: no certificates found in ca data"]],
    [{ caData: base64(`${idpKey.certificate}junk`) }, ['caData: parse cert: trailing data: "junk"']],
    [{ caData: base64(`junk\n${idpKey.certificate}`) }, ['caData: parse cert: trailing data: "junk"']],
    [{ caData: base64(idpKey.key) }, ["caData: parse cert: no X.509 certificate"]],
    [{ nameIDPolicyFormat: "transient" }, []],
    [{ nameIDPolicyFormat: "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress" }, []],
    [{ nameIDPolicyFormat: "Email" }, ['nameIDPolicyFormat: invalid nameIDPolicyFormat: "Email"']],
    [{ ssoURL: "javascript:alert(1)" }, ["ssoURL: not an http or https address"]],
    [{ ssoURL: "", caData: "", metadataURL: "https://idp.example/metadata" }, []],
    [
      { metadataURL: "https://idp.example/metadata" },
      ["ca: the keys come from metadata; remove 'ca' and 'caData', or the metadata"],
    ],
    [
      { caData: "", metadataURL: "http://idp.example/metadata" },
      ["metadataURL: metadata over http needs 'metadataCA' or 'metadataCAData'"],
    ],
    [{ caData: "", metadataURL: "http://127.0.0.1/metadata" }, []],
    [
      { caData: "", metadataURL: "http://127.0.0.1.evil.example/metadata" },
      ["metadataURL: metadata over http needs 'metadataCA' or 'metadataCAData'"],
    ],
    [{ caData: "", metadataURL: "http://idp.example/metadata", metadataCAData: base64(idpKey.certificate) }, []],
    [
      { caData: "", metadataURL: "https://a", metadataFile: "/b" },
      ["metadataFile: give either 'metadataURL' or 'metadataFile'"],
    ],
    [{ clockSkew: "10m" }, ["clockSkew: must be from 0 to 5m"]],
    [{ clockSkew: "1day" }, ['clockSkew: time: unknown unit "day" in duration "1day"']],
    [{ metadataRefresh: "1s" }, ["metadataRefresh: must be from 1m to 168h"]],
    [{ signRequests: true }, ["signRequests: signRequests needs a privateKey"]],
  ];
  for (const [more, mistakes] of cases) {
    const what = Object.keys(more).join(", ") || "of a test";
    it(`${what}: ${mistakes.join(" ") || "is good"}`, () => assert.deepEqual(mistakesOf(more), mistakes));
  }

  it("does not open with a file that is not there, a key that is none, or one of another kind", async () => {
    await assert.rejects(openServiceProvider({ caData: "", ca: "/nowhere" }), /^Error: read ca file: /);
    await assert.rejects(
      openServiceProvider({ privateKey: "/nowhere" }),
      /neither a PEM text, nor base64 of one, nor a file/,
    );
    await assert.rejects(openServiceProvider({ privateKey: idpKey.certificate }), /a private key cannot be read/);
  });
});

describe("the request", () => {
  const names = {
    protocol: "urn:oasis:names:tc:SAML:2.0:protocol",
    assertion: "urn:oasis:names:tc:SAML:2.0:assertion",
  };

  it("is Dex's: where to, where back, which name, no issuer where there is none", async () => {
    const sp = await openServiceProvider();
    const { departure, requestId } = await sp.begin();
    const { root } = requestIn(departure);
    assert.equal(departure.to.href, baseConfig.ssoURL);
    assert.match(requestId, /^_[0-9a-f]{40}$/);
    const said = Object.fromEntries(
      ["ID", "Version", "Destination", "ProtocolBinding", "AssertionConsumerServiceURL", "ForceAuthn"].map((name) => [
        name,
        attributeOf(root, name),
      ]),
    );
    assert.deepEqual(said, {
      ID: requestId,
      Version: "2.0",
      Destination: baseConfig.ssoURL,
      ProtocolBinding: "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST",
      AssertionConsumerServiceURL: acsUrl,
      ForceAuthn: undefined,
    });
    assert.match(attributeOf(root, "IssueInstant") ?? "", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    const [policy, ...more] = childrenOf(root);
    assert.ok(policy !== undefined && more.length === 0);
    assert.deepEqual(
      [policy.local, attributeOf(policy, "Format"), attributeOf(policy, "AllowCreate")],
      ["NameIDPolicy", "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent", "true"],
    );
  });

  it("says what is configured, whatever characters it has", async () => {
    const odd = `urn:dex:"<&'>\n`;
    const sp = await openServiceProvider({
      entityIssuer: odd,
      forceAuthn: true,
      authnContextClassRefs: ["urn:a&b", "urn:c"],
      authnContextComparison: "minimum",
      nameIDPolicyFormat: "emailAddress",
      ssoURL: "https://idp.example.com/sso?a=b&c=d",
    });
    const { departure } = await sp.begin();
    const { root } = requestIn(departure);
    assert.equal(attributeOf(root, "Destination"), "https://idp.example.com/sso?a=b&c=d");
    assert.equal(attributeOf(root, "ForceAuthn"), "true");
    const [issuer] = childrenOf(root, names.assertion, "Issuer");
    assert.equal(issuer && textOf(issuer), odd);
    const [context] = childrenOf(root, names.protocol, "RequestedAuthnContext");
    assert.equal(context && attributeOf(context, "Comparison"), "minimum");
    assert.deepEqual(context && childrenOf(context).map(textOf), ["urn:a&b", "urn:c"]);
  });

  it("asks for a new login where the client does", async () => {
    const { connector } = await openServiceProvider();
    const login = { ...loginOf([], true), wishes: { ...noWishes, mustProve: true } };
    const { root } = requestIn(await connector.begin(new URL(acsUrl), () => "s", login));
    assert.equal(attributeOf(root, "ForceAuthn"), "true");
  });

  it("by address keeps the query that was there", async () => {
    const { departure } = await (
      await openServiceProvider({ requestBinding: "redirect", ssoURL: "https://idp.example.com/sso?tenant=1" })
    ).begin();
    assert.equal(departure.kind, "redirect");
    assert.deepEqual([...departure.to.searchParams.keys()], ["tenant", "SAMLRequest", "RelayState"]);
  });
});

describe("a refresh", () => {
  const data = (text: string) => new Secret(Buffer.from(text));
  const identity = { userId: "jane", username: "old", emailVerified: true, groups: ["old"] };
  const refresh = async (connectorData: Secret<Uint8Array> | undefined, groups = true) => {
    const { connector } = await openServiceProvider();
    return connector.refresh?.(
      { ...identity, ...(connectorData === undefined ? {} : { connectorData }) },
      loginOf([], groups),
    );
  };

  it("gives back what Dex or we have stored, groups where they are asked for", async () => {
    const stored = data(
      '{"UserID":"jane","username":"Jane","preferredUsername":"jd","email":"j@x","emailVerified":true,"Groups":["a"],"new":1}',
    );
    const jane = { userId: "jane", username: "Jane", preferredUsername: "jd", email: "j@x", emailVerified: true };
    assert.deepEqual(await refresh(stored), { ok: true, identity: { ...jane, groups: ["a"] } });
    assert.deepEqual(await refresh(stored, false), { ok: true, identity: { ...jane, groups: [] } });
  });

  it("without data, and with other data, is an error that quotes none of it", async () => {
    await assert.rejects(refresh(undefined), /^Error: saml: no connector data available for refresh$/);
    for (const text of ["{", "[]x", '"text"', '{"userId":5}', "null"]) {
      await assert.rejects(refresh(data(text)), /^Error: saml: failed to unmarshal cached identity$/);
    }
  });
});
