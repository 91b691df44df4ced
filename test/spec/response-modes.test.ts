/** How an answer travels, and how it never does. OAuth 2.0 Multiple Response Types §2.1, Form Post Response Mode §2, §4. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import {
  app,
  assertTold,
  authorize,
  authPath,
  codeOf,
  redeem,
  tokensOf,
  toldClient,
  unescapeHtml,
} from "./relying-party.ts";
import { appClient, issuer, mockConnector, passwordConnector, startServerUnderTest } from "./server-under-test.ts";

const responseTypes = ["code", "id_token", "token"];
const server = await startServerUnderTest({
  oauth2: { skipApprovalScreen: true, responseTypes },
  connectors: [mockConnector, passwordConnector],
});
const asking = await startServerUnderTest({ staticClients: [appClient], oauth2: { responseTypes } });
after(() => Promise.all([server.close(), asking.close()]));
const agent = server.newAgent();
const mock = { connector_id: "mock" };

const fieldsOf = (body: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...body.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)].map(([, name = "", value = ""]) => [
      name,
      unescapeHtml(value),
    ]),
  );

describe("response_mode", () => {
  it("fragment puts a code into the fragment", async () => {
    const { location } = await authorize(agent, { ...mock, response_mode: "fragment" });
    assert.equal(location?.search, "");
    const code = new URLSearchParams(location?.hash.slice(1)).get("code");
    tokensOf(await redeem(agent, code ?? ""));
  });

  it("query is what a code has anyway", async () => {
    codeOf(await authorize(agent, { ...mock, response_mode: "query" }));
  });

  for (const response_type of ["id_token", "id_token token", "code token", "code id_token", "code id_token token"]) {
    it(`query is refused for ${response_type}, in the fragment: a token in an address is a token in a log`, async () => {
      const answer = await authorize(agent, { ...mock, response_type, nonce: "n", response_mode: "query", state: "s" });
      assertTold(answer, { error: "invalid_request", state: "s", in: "fragment" });
    });
  }

  it("that nobody knows is refused", async () => {
    for (const response_mode of ["jwt", "query.jwt", "web_message", "FORM_POST", "form_post "]) {
      assertTold(await authorize(agent, { ...mock, response_mode, state: "s" }), {
        error: "invalid_request",
        state: "s",
      });
    }
  });

  it("without a value is none", async () => {
    codeOf(await authorize(agent, { ...mock, response_mode: "" }));
  });

  it("sent twice is refused as it would be without one", async () => {
    const answer = await agent.get(
      `${authPath({ response_mode: "form_post" }, app, "/auth/mock")}&response_mode=query`,
    );
    assertTold(answer, { error: "invalid_request", state: "a state", in: "query" });
  });
});

describe("form_post", () => {
  const request = { ...mock, response_mode: "form_post" };

  it("brings the refusal of a request object that alone named the mode", async () => {
    const claims = Buffer.from(JSON.stringify({ response_mode: "form_post" })).toString("base64url");
    const page = await authorize(agent, { ...mock, request: `eyJhbGciOiJub25lIn0.${claims}.` });
    assert.equal(page.status, 200);
    assert.equal(fieldsOf(page.body).error, "request_not_supported");
  });

  it("posts the whole answer to the client and puts nothing into an address", async () => {
    const state = `"><script>alert(1)</script>'&amp;`;
    const page = await authorize(agent, { ...request, state });
    assert.equal(page.status, 200);
    assert.equal(page.headers["cache-control"], "no-store");
    assert.match(page.body, /<form id="continue-form" method="post" action="https:\/\/app\.example\/callback"/);
    assert.ok(!page.body.includes("<script>alert"));
    const { code = "", ...rest } = fieldsOf(page.body);
    assert.deepEqual(rest, { state, iss: issuer });
    tokensOf(await redeem(agent, code));
  });

  it("goes on by itself with our own script, and by a button without", async () => {
    const page = await authorize(agent, request);
    assert.match(page.body, /<script src="[^"]*static\/continue\.js" defer><\/script>/);
    assert.match(page.body, /<button id="continue" type="submit"/);
    const policy = String(page.headers["content-security-policy"]);
    assert.match(policy, /script-src 'self'/);
    assert.ok(!policy.includes("unsafe-inline") && !policy.includes("form-action"));
  });

  it("comes after a form and after consent as well, and posts a refused consent", async () => {
    const person = asking.newAgent();
    const consent = await authorize(person, { response_mode: "form_post", state: "s", scope: "openid email" });
    const req = unescapeHtml(/name="req" value="([^"]*)"/.exec(consent.body)?.[1] ?? "");
    const refused = fieldsOf((await person.post(consent.url.href, { req, approval: "rejected" })).body);
    assert.deepEqual([refused.error, refused.state, refused.iss], ["access_denied", "s", issuer]);
    const again = await authorize(person, { response_mode: "form_post", scope: "openid email" });
    const id = unescapeHtml(/name="req" value="([^"]*)"/.exec(again.body)?.[1] ?? "");
    const given = fieldsOf((await person.post(again.url.href, { req: id, approval: "approve" })).body);
    tokensOf(await redeem(person, given.code ?? ""));
  });

  it("brings errors the same way", async () => {
    const {
      error,
      error_description: description,
      state,
      iss,
    } = fieldsOf((await authorize(agent, { ...request, scope: "email", state: "s" })).body);
    assert.deepEqual([error, state, iss], ["invalid_scope", "s", issuer]);
    assert.equal(description, 'Missing required scope(s) ["openid"].');
  });

  it("keeps the client's own query in the address it posts to", async () => {
    const other = await startServerUnderTest({
      staticClients: [{ ...appClient, redirectURIs: ["https://app.example/cb?a=1&b=<2>"] }],
    });
    const client = { ...app, redirectUri: "https://app.example/cb?a=1&b=<2>" };
    const page = await authorize(other.newAgent(), { response_mode: "form_post" }, client);
    assert.match(page.body, /action="https:\/\/app\.example\/cb\?a=1&amp;b=&lt;2&gt;"/);
    await other.close();
  });
});

describe("a resource indicator", () => {
  it("may be repeated, as its RFC allows, and is passed over", async () => {
    const twice = `${authPath({ resource: "https://a.example" }, app, "/auth/mock")}&resource=https%3A%2F%2Fb.example`;
    assert.ok(toldClient(await agent.follow(await agent.get(twice))).code !== undefined);
  });
});
