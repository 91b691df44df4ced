/** Native apps: loopback addresses with whatever port the system gave, private schemes, and no secret. RFC 8252 §7, §8. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import {
  assertPage,
  assertRefused,
  assertTold,
  authorize,
  codeOf,
  type RelyingParty,
  redeem,
  tokensOf,
} from "./relying-party.ts";
import { appClient, startServerUnderTest } from "./server-under-test.ts";

const server = await startServerUnderTest({
  oauth2: { skipApprovalScreen: true, responseTypes: ["code", "id_token", "token"] },
  staticClients: [
    appClient,
    { id: "open", name: "Open", public: true },
    {
      id: "native",
      name: "Native",
      public: true,
      redirectURIs: ["http://127.0.0.1/callback", "http://[::1]:8000/callback", "com.example.app:/callback"],
    },
    { id: "desktop", name: "Desktop", secret: "s", redirectURIs: ["http://127.0.0.1/callback"] },
  ],
});
after(() => server.close());
const agent = server.newAgent();
const as = (id: string, redirectUri: string): RelyingParty => ({ id, redirectUri });

describe("a native app", () => {
  for (const [id, redirectUri] of [
    ["open", "http://127.0.0.1:51004/callback"],
    ["open", "http://[::1]:51004/"],
    ["open", "http://[::1]/callback"],
    ["open", "http://localhost:51004/a?b=c"],
    ["native", "http://127.0.0.1/callback"],
    ["native", "http://127.0.0.1:51004/callback"],
    ["native", "http://[::1]/callback"],
    ["native", "http://[::1]:51004/callback"],
    ["native", "com.example.app:/callback"],
  ] as const) {
    it(`${id} gets its code at ${redirectUri}, and tokens for it without a secret`, async () => {
      const client = as(id, redirectUri);
      const answer = await authorize(agent, {}, client);
      assert.ok(answer.location?.href.startsWith(redirectUri), answer.headers.location);
      tokensOf(await redeem(agent, codeOf(answer), {}, client));
    });
  }

  it("redeems a code with the port that it was sent to, and no other", async () => {
    const client = as("native", "http://127.0.0.1:51004/callback");
    const code = codeOf(await authorize(agent, {}, client));
    assertRefused(
      await redeem(agent, code, { redirect_uri: "http://127.0.0.1:51005/callback" }, client),
      "invalid_grant",
    );
    assertRefused(await redeem(agent, code, { redirect_uri: "http://127.0.0.1/callback" }, client), "invalid_grant");
    tokensOf(await redeem(agent, code, {}, client));
  });

  for (const [id, redirectUri] of [
    ["native", "http://127.0.0.1:51004/other"],
    ["native", "http://localhost:51004/callback"],
    ["native", "https://127.0.0.1:51004/callback"],
    ["native", "http://127.0.0.1:51004@evil.example/callback"],
    ["native", "com.example.app:/other"],
    ["native", "urn:ietf:wg:oauth:2.0:oob"],
    ["open", "com.example.app:/callback"],
    ["open", "http://127.0.0.1.evil.example/"],
    ["desktop", "http://127.0.0.1:51004/callback"],
  ] as const) {
    it(`${id} gets nothing at ${redirectUri}`, async () => {
      assertPage(await authorize(agent, {}, as(id, redirectUri)), 400, "Unregistered redirect_uri.");
    });
  }

  it("cannot be posted to where no web page is: the refusal comes as it would without a mode", async () => {
    const client = as("native", "com.example.app:/callback");
    const answer = await authorize(agent, { response_mode: "form_post", state: "s" }, client);
    assertTold(answer, { error: "invalid_request", state: "s", redirectUri: client.redirectUri });
  });
});
