/** Applications learn of a login's end from a frame. OIDC Session Management 1.0, by the plan's modules. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, describe, it } from "node:test";
import { authorize, authPath } from "../relying-party.ts";
import { appClient, startServerUnderTest } from "../server-under-test.ts";

const responseTypes = ["code", "id_token", "token"];
const server = await startServerUnderTest(
  { oauth2: { skipApprovalScreen: true, responseTypes }, sessions: { checkSessionIframe: true } },
  { sessions: true },
);
const without = await startServerUnderTest({}, { sessions: true });
after(() => Promise.all([server.close(), without.close()]));

const hashOf = (text: string): string => createHash("sha256").update(text).digest("base64url");

describe("oidcc-session-management-discovery-endpoint-verification", () => {
  it("names the frame where applications may ask, and no frame elsewhere", async () => {
    const told = await server.newAgent().get("/.well-known/openid-configuration");
    assert.equal(JSON.parse(told.body).check_session_iframe, `${server.issuer}/session/check`);
    const silent = await without.newAgent().get("/.well-known/openid-configuration");
    assert.equal(JSON.parse(silent.body).check_session_iframe, undefined);
    assert.equal((await without.newAgent().get("/session/check")).status, 404);
    assert.equal((await authorize(without.newAgent(), {})).location?.searchParams.get("session_state"), null);
  });
});

describe("oidcc-session-management-rp-initiated-logout", () => {
  it("session_state is the hash of client, origin, browser state and salt, in every mode and in no two the same", async () => {
    const agent = server.newAgent();
    const states = new Set<string>();
    for (const more of [{}, { response_mode: "fragment" }, { response_type: "id_token", nonce: "n" }]) {
      const { location } = await authorize(agent, more);
      const answer = new URLSearchParams(location?.hash ? location.hash.slice(1) : location?.search);
      const state = answer.get("session_state") ?? "";
      const [hash, salt = ""] = state.split(".");
      const browserState = agent.cookies.get("dex_session_state") ?? "";
      assert.notEqual(browserState, "");
      assert.equal(hash, hashOf(`${appClient.id} https://app.example ${browserState} ${salt}`));
      states.add(state);
    }
    assert.equal(states.size, 3);
  });

  it("scripts may read the state's cookie, and never the session's", async () => {
    const agent = server.newAgent();
    const callback = await agent.get(authPath({}, undefined, "/auth/mock"));
    const { headers } = await agent.get(callback.location?.href ?? "");
    const set = headers["set-cookie"] ?? [];
    const state = set.find((cookie) => cookie.startsWith("dex_session_state="));
    const session = set.find((cookie) => cookie.startsWith("dex_session="));
    assert.ok(state !== undefined && session !== undefined);
    assert.doesNotMatch(state, /HttpOnly/);
    assert.match(session, /HttpOnly/);
  });

  it("the frame may be framed by anybody, and runs nothing but its own script", async () => {
    const { headers, body, status } = await server.newAgent().get("/session/check");
    assert.equal(status, 200);
    assert.equal(headers["x-frame-options"], undefined);
    assert.match(String(headers["content-security-policy"]), /script-src 'self'; frame-ancestors \*/);
    assert.match(body, /<script src="[^"]*static\/check-session\.js" data-cookie="dex_session_state"><\/script>/);
  });

  it("a refusal has no session_state", async () => {
    const { location } = await authorize(server.newAgent(), { prompt: "none" });
    assert.equal(location?.searchParams.get("error"), "login_required");
    assert.equal(location?.searchParams.get("session_state"), null);
  });
});
