/** The way to a SAML identity provider and back, over HTTP: SAML Bindings §3.5, RFC 6265bis §5.2. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { handClock } from "../fake/hand-clock.ts";
import { encode, jane, makeKeyPair, makeResponse, sign } from "../fake/saml-documents.ts";
import {
  assertPage,
  assertTold,
  authPath,
  codeOf,
  redeem,
  refresh,
  refreshTokenOf,
  tokensOf,
  unescapeHtml,
  verify,
} from "./relying-party.ts";
import { issuer, mockConnector, startServerUnderTest } from "./server-under-test.ts";
import type { Answer, UserAgent } from "./user-agent.ts";

const pair = makeKeyPair();
const other = makeKeyPair("Other IdP");
const acsUrl = `${issuer}/callback`;
const config = (certificate: string, idp: string) => ({
  ...{ ssoURL: `https://${idp}/sso`, ssoIssuer: `https://${idp}/idp`, redirectURI: acsUrl },
  caData: Buffer.from(certificate).toString("base64"),
  ...{ usernameAttr: "name", emailAttr: "email", groupsAttr: "groups", allowedGroups: ["admins"] },
});
const server = await startServerUnderTest(
  {
    connectors: [
      { type: "saml", id: "saml", name: "SAML", config: config(pair.certificate, "idp.example.com") },
      { type: "samlExperimental", id: "old", name: "Old name", config: config(other.certificate, "other.example.com") },
      mockConnector,
    ],
    // The keys are as old as this process, and the usual hand clock begins before it.
  },
  { clock: handClock(Date.now() + 60_000) },
);
after(() => server.close());

/** The form of a forwarding page. */
function formOf({ status, body }: Answer) {
  assert.equal(status, 200, body);
  const action = unescapeHtml(/<form[^>]*action="([^"]*)"/.exec(body)?.[1] ?? "");
  const inputs = [...body.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)];
  return {
    action,
    fields: Object.fromEntries(inputs.map(([, name = "", value = ""]) => [unescapeHtml(name), unescapeHtml(value)])),
  };
}

interface Begun {
  readonly agent: UserAgent;
  readonly relayState: string;
  readonly requestId: string;
}

async function begin(
  more: Readonly<Record<string, string>> = {},
  connector = "saml",
  agent = server.newAgent(),
): Promise<Begun> {
  const { action, fields } = formOf(
    await agent.get(
      authPath({ scope: "openid email profile groups offline_access", ...more }, undefined, `/auth/${connector}`),
    ),
  );
  assert.match(action, /^https:\/\/\w+\.example\.com\/sso$/);
  const request = Buffer.from(fields.SAMLRequest ?? "", "base64").toString();
  return { agent, relayState: fields.RelayState ?? "", requestId: / ID="([^"]*)"/.exec(request)?.[1] ?? "" };
}

let shown = 0;
const respond = ({ requestId }: Begun, more: object = {}, signer = pair): string =>
  encode(
    sign(
      makeResponse({ now: server.clock.now(), inResponseTo: requestId, acsUrl, assertionId: `_a${++shown}`, ...more }),
      "Response",
      { pair: signer },
    ),
  );

const post = (begun: Begun, response: string, path = "/callback"): Promise<Answer> =>
  begun.agent.post(path, { SAMLResponse: response, RelayState: begun.relayState });

describe("a SAML login", () => {
  it("ends in tokens that say who it is, and a refresh says the same", async () => {
    const begun = await begin();
    const answer = await post(begun, respond(begun));
    const tokens = await redeem(begun.agent, codeOf(answer));
    const { claims } = await verify(tokensOf(tokens).id_token, server, begun.agent);
    const { name, email, email_verified, groups } = claims;
    assert.deepEqual(
      { name, email, email_verified, groups },
      { name: "Jane Doe", email: "janedoe@example.com", email_verified: true, groups: jane.groups },
    );
    const again = await refresh(begun.agent, refreshTokenOf(tokens));
    const { claims: refreshed } = await verify(tokensOf(again).id_token, server, begun.agent);
    assert.deepEqual([refreshed.sub, refreshed.groups], [claims.sub, claims.groups]);
    const narrow = await refresh(begun.agent, refreshTokenOf(again), { scope: "openid email" });
    assert.equal((await verify(tokensOf(narrow).id_token, server, begun.agent)).claims.groups, undefined);
  });

  it("says what changed at the next one: until then a refresh can only repeat what was said", async () => {
    const once = await begin();
    const before = tokensOf(await redeem(once.agent, codeOf(await post(once, respond(once)))));
    const attributes = { ...jane, email: ["new@example.com"], groups: ["admins"] };
    const twice = await begin();
    const now = tokensOf(await redeem(twice.agent, codeOf(await post(twice, respond(twice, { attributes })))));
    const claimsOf = async ({ id_token }: { id_token?: string | undefined }) =>
      (await verify(id_token, server, once.agent)).claims;
    const [first, second] = [await claimsOf(before), await claimsOf(now)];
    assert.equal(first.sub, second.sub);
    assert.deepEqual([second.email, second.groups], ["new@example.com", ["admins"]]);
    const repeated = tokensOf(await refresh(once.agent, before.refresh_token ?? ""));
    assert.deepEqual((await claimsOf(repeated)).groups, first.groups);
  });

  it("comes back to the connector's own address too, and to no other's", async () => {
    const begun = await begin();
    assertPage(await post(begun, respond(begun), "/callback/old"), 400, "Requested resource does not exist.");
    codeOf(await post(begun, respond(begun), "/callback/saml"));
  });

  it("bounces once where the cross-site form brought no cookie, and says so where there never was one", async () => {
    const begun = await begin();
    const response = respond(begun);
    const form = { SAMLResponse: response, RelayState: begun.relayState };
    const stranger = server.newAgent();
    const { action, fields } = formOf(await stranger.post("/callback", form));
    assert.equal(action, acsUrl);
    assert.deepEqual(fields, { ...form, dex_bounced: "1" });
    codeOf(await begun.agent.post("/callback", fields));
    assertPage(await stranger.post("/callback", fields), 400, "User session error.");
  });

  it("with a long state of the client's fits into the browser's cookies", async () => {
    const state = "s".repeat(6_000);
    const begun = await begin({ state });
    const cookies = [...begun.agent.cookies].filter(([name]) => name.startsWith("dex_state_"));
    assert.ok(cookies.length > 1);
    for (const [name, value] of cookies) assert.ok(name.length + value.length <= 4096, `${value.length}`);
    const { location } = await post(begun, respond(begun));
    assert.equal(location?.searchParams.get("state"), state);
    assert.deepEqual(
      [...begun.agent.cookies.keys()].filter((name) => name.startsWith("dex_state_")),
      [],
    );
  });

  it("leaves no more than four states behind, and the newest works", async () => {
    let begun = await begin();
    for (let attempt = 0; attempt < 10; attempt++) begun = await begin({}, "saml", begun.agent);
    assert.equal([...begun.agent.cookies.keys()].filter((name) => name.startsWith("dex_state_")).length, 4);
    codeOf(await post(begun, respond(begun)));
  });

  it("is answered once", async () => {
    const begun = await begin();
    const cookies = new Map(begun.agent.cookies);
    const response = respond(begun);
    codeOf(await post(begun, response));
    // Even for a browser that kept the state's cookie.
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const form = { SAMLResponse: response, RelayState: begun.relayState };
    const again = await server.newAgent().ask("/callback", { method: "POST", form, headers: { cookie } });
    assertPage(again, 500);
  });

  it("of somebody in no group that may sign in is 403; one that was refused there is access_denied", async () => {
    const begun = await begin();
    assertPage(await post(begun, respond(begun, { attributes: { ...jane, groups: ["guests"] } })), 403);
    const status = `<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder"><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"/></samlp:StatusCode></samlp:Status>`;
    const refused = await begin({ state: "s" });
    assertTold(await post(refused, respond(refused, { status })), { error: "access_denied", state: "s" });
  });
});

describe("what is no answer to our request", () => {
  const general = "Failed to authenticate. Try again, and contact your administrator if it goes on.";
  const reasonOf = (check: string): boolean => server.log.some((line) => line.includes(`"check":"${check}"`));

  it("gets a page that tells nothing, and a log that tells why", async () => {
    const begun = await begin();
    assertPage(await post(begun, encode("<!DOCTYPE a><a/>")), 500, general);
    assert.ok(reasonOf("saml.xml.doctype"));
    assertPage(await post(begun, respond({ ...begun, requestId: "_other" })), 500, general);
    assert.ok(reasonOf("saml.response.in_response_to"));
    // Nothing was spent: the genuine one still works.
    codeOf(await post(begun, respond(begun)));
  });

  it("is what another identity provider of this server signed", async () => {
    const begun = await begin({}, "old");
    assertPage(await post(begun, respond(begun)), 500, general);
    codeOf(await post(begun, respond(begun, { issuer: "https://other.example.com/idp" }, other)));
  });

  it("is an unknown, a forged and a hostile RelayState", async () => {
    const begun = await begin();
    const response = respond(begun);
    for (const RelayState of ["unknown", "a".repeat(22), `"><script>alert(1)</script>`, "https://evil.example/"]) {
      const answer = await begun.agent.post("/callback", { SAMLResponse: response, RelayState, dex_bounced: "1" });
      assertPage(answer, 400, "User session error.");
      const bounced = await server.newAgent().post("/callback", { SAMLResponse: response, RelayState });
      assert.ok(!bounced.body.includes("<script>alert"), RelayState);
      assert.equal(formOf(bounced).action, acsUrl);
    }
    assertPage(await begun.agent.post("/callback", { SAMLResponse: response }), 400, "Invalid request");
  });

  it("is a GET, and a state of a connector that comes back by GET", async () => {
    const begun = await begin();
    assertPage(
      await begun.agent.get(`/callback?RelayState=${begun.relayState}&SAMLResponse=x`),
      400,
      "Invalid request",
    );
  });

  it("is another browser's", async () => {
    const [mine, theirs] = [await begin(), await begin()];
    const answer = await mine.agent.post("/callback", {
      SAMLResponse: respond(theirs),
      RelayState: theirs.relayState,
      dex_bounced: "1",
    });
    assertPage(answer, 400, "User session error.");
  });

  it("is one that came when the request had expired", async () => {
    const begun = await begin();
    await server.clock.advance(25 * 3_600_000);
    assertPage(await post(begun, respond(begun)), 400, "User session has expired.");
  });
});
