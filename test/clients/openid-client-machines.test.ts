/** openid-client where no browser is: the device flow, client credentials, introspection and revocation. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import * as client from "openid-client";
import { unescapeHtml } from "../spec/relying-party.ts";
import { fetchAt, startForClients } from "./reach.ts";

const secret = "app secret+/%&=";
const server = await startForClients({
  staticClients: [
    { id: "app", name: "The App", secret, redirectURIs: ["/device/callback"] },
    { id: "cli", name: "The CLI", public: true },
  ],
  oauth2: {
    skipApprovalScreen: true,
    grantTypes: [
      ...["authorization_code", "refresh_token", "client_credentials"],
      "urn:ietf:params:oauth:grant-type:device_code",
    ],
  },
});
after(() => server.close());

const discover = (id: string, authentication: client.ClientAuth): Promise<client.Configuration> =>
  client.discovery(new URL(server.issuer), id, undefined, authentication, {
    execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
    [client.customFetch]: fetchAt(server),
  });

/** What the person does with the address on the device's screen. */
async function approve(address: string): Promise<void> {
  const person = server.newAgent();
  const [, userCode = ""] = /name="user_code"[^>]*value="([^"]*)"/.exec((await person.get(address)).body) ?? [];
  const form = { user_code: userCode };
  const { body } = await person.post("/device/auth/verify_code", form);
  const confirm = unescapeHtml(/name="confirm" value="([^"]*)"/.exec(body)?.[1] ?? assert.fail(body));
  const agreed = await person.post("/device/auth/verify_code", { ...form, confirm, approval: "approve" });
  assert.equal((await person.follow(agreed)).status, 200);
}

describe("openid-client", () => {
  for (const [name, id, authentication] of [
    ["a public client", "cli", client.None()],
    ["a client with client_secret_basic", "app", client.ClientSecretBasic(secret)],
    ["a client with client_secret_post", "app", client.ClientSecretPost(secret)],
  ] as const) {
    it(`logs a device in: ${name}`, { timeout: 60_000 }, async () => {
      const config = await discover(id, authentication);
      const begun = await client.initiateDeviceAuthorization(config, { scope: "openid email offline_access" });
      await approve(begun.verification_uri_complete ?? assert.fail());
      const tokens = await client.pollDeviceAuthorizationGrant(config, { ...begun, interval: 1 });
      assert.equal(tokens.claims()?.aud, id);
      const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? "");
      assert.equal(refreshed.claims()?.sub, tokens.claims()?.sub);
    });
  }

  it("earns a token for itself, asks about it, gives it back", async () => {
    const config = await discover("app", client.ClientSecretBasic(secret));
    const { access_token, token_type } = await client.clientCredentialsGrant(config, { scope: "profile" });
    assert.equal(token_type, "bearer");
    assert.equal((await client.tokenIntrospection(config, access_token)).active, true);
    await client.tokenRevocation(config, access_token);
    assert.equal((await client.tokenIntrospection(config, access_token)).active, false);
  });
});
