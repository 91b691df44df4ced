/** The out-of-band redirect URI: the person copies the code from a page. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { authorize, redeem, tokensOf, unescapeHtml } from "./relying-party.ts";
import { appClient, startServerUnderTest } from "./server-under-test.ts";

const native = { id: "native", redirectUri: "urn:ietf:wg:oauth:2.0:oob" };
const server = await startServerUnderTest({
  oauth2: { skipApprovalScreen: true, responseTypes: ["code", "id_token", "token"] },
  staticClients: [
    appClient,
    { id: "native", name: "Native", public: true },
    { id: "registered", name: "Registered", secret: "x", redirectURIs: [native.redirectUri] },
  ],
});
after(() => server.close());
const agent = server.newAgent();

const shownCode = (body: string): string => unescapeHtml(/<input id="code"[^>]* value="([^"]*)"/.exec(body)?.[1] ?? "");

describe("the out-of-band page", () => {
  for (const client of [native, { ...native, id: "registered", secret: "x" }]) {
    it(`shows ${client.id} a code that counts, and no state`, async () => {
      const page = await authorize(agent, { state: "a-secret-state" }, client);
      assert.equal(page.status, 200);
      assert.equal(page.headers.location, undefined);
      assert.equal(page.headers["cache-control"], "no-store");
      assert.ok(!page.body.includes("a-secret-state"));
      const code = shownCode(page.body);
      assert.match(code, /^[a-z][a-z2-7]{32}$/);
      tokensOf(await redeem(agent, code, {}, client));
    });
  }

  it("drops an ID token that was asked for as well: there is nowhere to put it", async () => {
    const page = await authorize(agent, { response_type: "code id_token", nonce: "n" }, native);
    assert.equal(page.status, 200);
    assert.ok(!page.body.includes("eyJ"));
    tokensOf(await redeem(agent, shownCode(page.body), {}, native));
  });

  it("tells a refusal to the person: no client would hear it", async () => {
    const page = await authorize(agent, { scope: "email" }, native);
    assert.equal(page.status, 400);
    assert.equal(page.headers.location, undefined);
  });
});
