/** A configuration that changes while requests are under way: each ends with what it began with, and none is lost. */
import assert from "node:assert/strict";
import { after, it } from "node:test";
import { handClock } from "../fake/hand-clock.ts";
import { startFakeOidc } from "../fake/oidc.ts";
import { authPath, queryOf, redeem, tokensOf, toldClient } from "./relying-party.ts";
import { appClient, issuer, startServerUnderTest } from "./server-under-test.ts";

const clock = handClock();
const upstream = await startFakeOidc({ now: () => Math.floor(clock.now() / 1000) });
upstream.people.set("jane", { name: "Jane", email: "jane@up.test", email_verified: true });
const up = {
  type: "oidc",
  id: "up",
  name: "Up",
  config: { issuer: upstream.issuer, clientID: "dex", clientSecret: "dex-secret", redirectURI: `${issuer}/callback` },
};
const machine = { id: "machine", secret: "machine-secret", name: "Machine", redirectURIs: [] };
const grants = { grantTypes: ["authorization_code", "client_credentials"], skipApprovalScreen: true };
const file = { connectors: [up], staticClients: [appClient, machine], oauth2: grants };
const server = await startServerUnderTest(file, { clock });
after(async () => {
  await server.close();
  await upstream.close();
});

it("a login that waits for its upstream ends well, though its connector is another meanwhile", async () => {
  const agent = server.newAgent();
  const away = await agent.follow(await agent.get(authPath({ scope: "openid" })));
  const back = await upstream.authorize(away.location ?? assert.fail(away.body));
  upstream.always("/token", { delay: 400 });
  const returned = agent.get(back.href);
  while (!upstream.heard.some(({ form }) => form.has("code"))) await new Promise((resolve) => setTimeout(resolve, 5));
  await server.change({ ...file, connectors: [{ ...up, config: { ...up.config, clientID: "another" } }] });
  const changed = await server.newAgent().get(authPath({}, undefined, "/auth/up"));
  assert.equal(changed.location?.searchParams.get("client_id"), "another");
  const code = toldClient(await agent.follow(await returned)).code ?? assert.fail("no code");
  tokensOf(await redeem(agent, code));
  await server.change(file);
});

it("of hundreds of token requests over ten changes none fails", async () => {
  const agent = server.newAgent(8);
  let isOver = false;
  const statuses = new Map<number, number>();
  const form = { grant_type: "client_credentials", client_id: machine.id, client_secret: machine.secret };
  const asking = Array.from({ length: 8 }, async () => {
    while (!isOver) {
      const { status } = await agent.post("/token", form);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  });
  for (let change = 0; change < 10; change++) {
    const more = { ...appClient, id: `app${change}` };
    await server.change({
      ...file,
      staticClients: [more, appClient, machine],
      web: { http: "127.0.0.1:0", allowedOrigins: [`https://${change}.example`] },
    });
    const page = await agent.get(
      `/auth?${queryOf({ client_id: more.id, redirect_uri: appClient.redirectURIs[0], response_type: "code", scope: "openid" })}`,
    );
    assert.equal(page.status, 302, "what a change brings is there when it is done");
  }
  isOver = true;
  await Promise.all(asking);
  assert.deepEqual([...statuses.keys()], [200]);
  assert.ok((statuses.get(200) ?? 0) > 50);
});

it("an address that was taken from its client meanwhile is told nothing", async () => {
  const other = { ...appClient, redirectURIs: ["https://app.example/elsewhere"] };
  for (const [staticClients, told] of [
    [[other, machine], "refusal"],
    [[machine], "refusal"],
    [[appClient, machine], "answer"],
  ] as const) {
    const agent = server.newAgent();
    const away = await agent.follow(await agent.get(authPath({ scope: "openid" })));
    const back = await upstream.authorize(away.location ?? assert.fail(away.body));
    await server.change({ ...file, staticClients });
    const answer = await agent.follow(await agent.get(back.href));
    await server.change(file);
    assert.equal(answer.status, told === "refusal" ? 400 : 303, answer.body);
    assert.equal(answer.location === undefined, told === "refusal");
  }
});
