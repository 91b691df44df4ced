/** The person sees what a client asks for, and says yes or no. OIDC Core §3.1.2.4, RFC 6749 §4.1.2.1. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { assertTold, authorize, codeOf, type Params, redeem, tokensOf, unescapeHtml, verify } from "./relying-party.ts";
import { appClient, startServerUnderTest } from "./server-under-test.ts";
import type { Answer, UserAgent } from "./user-agent.ts";

const staticClients = [
  { ...appClient, name: 'Tom & "Jerry" <b>' },
  { id: "peer", name: "The Peer", secret: "x", redirectURIs: [], trustedPeers: ["app"] },
];
const responseTypes = ["code", "id_token", "token"];
const asking = await startServerUnderTest({ staticClients, oauth2: { responseTypes } });
const skipping = await startServerUnderTest({ staticClients, oauth2: { responseTypes, skipApprovalScreen: true } });
after(() => Promise.all([asking.close(), skipping.close()]));
const agent = asking.newAgent();

async function openConsent(from: UserAgent = agent, more: Params = {}): Promise<Answer> {
  const page = await authorize(from, more);
  assert.equal(page.status, 200, page.body);
  assert.match(page.url.pathname, /^\/dex\/approval$/);
  return page;
}

const reqOf = ({ body }: Answer): string => unescapeHtml(/name="req" value="([^"]*)"/.exec(body)?.[1] ?? "");
const answerWith = (page: Answer, approval: string, from: UserAgent = agent): Promise<Answer> =>
  from.post(page.url.href, { req: reqOf(page), approval });

describe("the consent page", () => {
  it("comes with 303 after the login, and has the fields that scripts know", async () => {
    const page = await openConsent();
    assert.match(page.body, /<form method="post" action="\/dex\/approval\?hmac=[^"]+"/);
    assert.match(reqOf(page), /^[a-z][a-z2-7]{24}$/);
    assert.equal(page.url.searchParams.get("req"), reqOf(page));
    assert.match(page.body, /name="approval" value="approve"/);
  });

  it("names the client and the person, as text", async () => {
    const { body } = await openConsent();
    assert.ok(body.includes("Tom &amp; &#34;Jerry&#34; &lt;b&gt;"));
    assert.ok(body.includes("Kilgore Trout"));
    assert.ok(!body.includes("<b>"));
  });

  it("tells every scope that is asked for, cross-client audiences and federated identity too", async () => {
    const scope = "openid email profile groups offline_access federated:id audience:server:client_id:peer";
    const { body } = await openConsent(agent, { scope });
    for (const words of ["email", "name", "groups", "Stay connected", "where you log in", "The Peer"]) {
      assert.ok(body.includes(words), words);
    }
  });

  it("leads on after approval", async () => {
    const answer = await answerWith(await openConsent(agent, { state: "s" }), "approve");
    assert.equal(answer.location?.searchParams.get("state"), "s");
    tokensOf(await redeem(agent, codeOf(answer)));
  });

  it("keeps what it says apart from when the person signed in", async () => {
    const page = await openConsent();
    await asking.clock.advance(60_000);
    const tokens = tokensOf(await redeem(agent, codeOf(await answerWith(page, "approve"))));
    const { claims } = await verify(tokens.id_token, asking, agent);
    assert.equal(claims.auth_time, (claims.iat ?? 0) - 60);
  });

  for (const refusal of ["rejected", "", "Approve", "approve "]) {
    it(`tells the client access_denied for the answer ${JSON.stringify(refusal)}`, async () => {
      const page = await openConsent(agent, { state: "s" });
      assertTold(await answerWith(page, refusal), { error: "access_denied", state: "s" });
      assert.equal((await answerWith(page, "approve")).status, 400);
    });
  }

  it("tells it in the fragment where the answer would have been there", async () => {
    const page = await openConsent(agent, { response_type: "id_token", nonce: "n", state: "s" });
    assertTold(await answerWith(page, "rejected"), { error: "access_denied", state: "s", in: "fragment" });
  });

  it("can be framed by nobody and leaks its address to nobody", async () => {
    const { headers } = await openConsent();
    assert.match(String(headers["content-security-policy"]), /frame-ancestors 'none'/);
    assert.equal(headers["x-frame-options"], "DENY");
    assert.equal(headers["referrer-policy"], "no-referrer");
    assert.equal(headers["cache-control"], "no-store");
  });

  it("is asked for again each time, since nothing is remembered without sessions", async () => {
    codeOf(await answerWith(await openConsent(), "approve"));
    await openConsent();
  });
});

describe("skipApprovalScreen", () => {
  const other = skipping.newAgent();

  it("spares the person the question", async () => {
    codeOf(await authorize(other));
  });

  for (const more of [{ approval_prompt: "force" }, { prompt: "consent" }, { prompt: "login consent" }]) {
    it(`is beaten by ${JSON.stringify(more)}`, async () => {
      const page = await openConsent(other, more);
      tokensOf(await redeem(other, codeOf(await answerWith(page, "approve", other))));
    });
  }

  for (const more of [{ approval_prompt: "auto" }, { prompt: "login" }, { prompt: "select_account" }]) {
    it(`is not beaten by ${JSON.stringify(more)}`, async () => {
      codeOf(await authorize(other, more));
    });
  }
});
