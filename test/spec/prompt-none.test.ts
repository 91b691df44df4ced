/** A client that asks without showing a page: with nobody signed in it is told so. OIDC Core §3.1.2.1, §3.1.2.6. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { assertPage, assertTold, authorize, authPath, codeOf } from "./relying-party.ts";
import { appClient, mockConnector, passwordConnector, startServerUnderTest } from "./server-under-test.ts";

const responseTypes = ["code", "id_token", "token"];
const one = await startServerUnderTest({ oauth2: { skipApprovalScreen: true, responseTypes } });
const several = await startServerUnderTest({
  oauth2: { skipApprovalScreen: true, responseTypes },
  staticClients: [appClient],
  connectors: [mockConnector, passwordConnector],
});
const showing = await startServerUnderTest({ oauth2: { alwaysShowLoginScreen: true } });
after(() => Promise.all([one.close(), several.close(), showing.close()]));

const silent = { prompt: "none", state: "s" };
const refused = { error: "login_required", state: "s" };

describe("prompt=none", () => {
  it("is login_required while nobody is signed in", async () => {
    assertTold(await authorize(one.newAgent(), silent), refused);
  });

  it("is login_required in the fragment for an implicit request", async () => {
    const answer = await authorize(one.newAgent(), { ...silent, response_type: "id_token", nonce: "n" });
    assertTold(answer, { ...refused, in: "fragment" });
  });

  it("is login_required for each connector by name", async () => {
    for (const connector_id of ["mock", "pw"])
      assertTold(await authorize(several.newAgent(), { ...silent, connector_id }), refused);
  });

  it("is login_required where the person would have to choose", async () => {
    assertTold(await authorize(several.newAgent(), silent), refused);
    assertTold(await authorize(showing.newAgent(), silent), refused);
  });

  it("is login_required although the browser has just signed in: there are no sessions", async () => {
    const agent = one.newAgent();
    codeOf(await authorize(agent));
    assertTold(await authorize(agent, silent), refused);
  });

  it("tells a stranger nothing: the client and its address come first", async () => {
    assertPage(
      await one.newAgent().get(authPath({ ...silent, redirect_uri: "https://evil.example/" }, undefined, "/auth/mock")),
      400,
    );
  });

  it("with approval_prompt=force is refused as well", async () => {
    const { location } = await authorize(one.newAgent(), { ...silent, approval_prompt: "force" });
    assert.equal(location?.searchParams.get("error"), "login_required");
  });
});
