/** Logins of OpenStack's people through a whole server and a real Keystone. OIDC Core §3.1.2.3, RFC 6749 §6. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Keystone, keystoneAdmin, keystonePrograms, startKeystone } from "../peer/keystone.ts";
import { missing } from "../peer/peer.ts";
import { assertRefused, authPath, codeOf, redeem, refresh, tokensOf, verify } from "./relying-party.ts";
import { type ConfigFile, type ServerUnderTest, startServerUnderTest } from "./server-under-test.ts";

const skip = missing(keystonePrograms);
const scope = "openid profile email groups offline_access";

describe("a login with a real Keystone", { skip, timeout: 300_000 }, () => {
  let keystone: Keystone;
  const servers: ServerUnderTest[] = [];
  const ids = new Map<string, string>();

  before(async () => {
    keystone = await startKeystone();
    const make = async (kind: string, more: Readonly<Record<string, unknown>>): Promise<void> => {
      const made = await keystone.api("POST", `/${kind}s`, { [kind]: { domain_id: "default", ...more } });
      ids.set(`${kind} ${more.name}`, String(made[kind]?.id));
    };
    await make("domain", { name: "other", domain_id: undefined });
    await make("project", { name: "demo" });
    await make("user", { name: "jane", password: "foo", email: "janedoe@example.com" });
    await make("user", { name: "john", password: "bar" });
    await make("user", { name: "gone", password: "gone", enabled: false });
    await make("user", { name: "leaver", password: "foo" });
    await make("user", { name: "asa", password: "bäz pass", domain_id: ids.get("domain other") });
    for (const name of ["admins", "developers", "later"]) await make("group", { name });
    for (const name of ["admins", "developers"]) await join("jane", name);
  });
  after(async () => {
    for (const server of servers) await server.close();
    await keystone.stop();
  });

  const join = (user: string, group: string) =>
    keystone.api("PUT", `/groups/${ids.get(`group ${group}`)}/users/${ids.get(`user ${user}`)}`);

  async function start(config: ConfigFile = {}): Promise<ServerUnderTest> {
    const account = {
      domain: "default",
      keystoneHost: keystone.url,
      keystoneUsername: keystoneAdmin.name,
      keystonePassword: keystoneAdmin.password,
      // Bootstrap gives the account no default project.
      adminProject: keystoneAdmin.project,
    };
    const connector = { type: "keystone", id: "keystone", name: "OpenStack", config: { ...account, ...config } };
    const server = await startServerUnderTest({ connectors: [connector] });
    servers.push(server);
    return server;
  }

  async function submit(server: ServerUnderTest, login: string, password: string, more = scope) {
    const agent = server.newAgent();
    const form = await agent.follow(await agent.get(authPath({ scope: more })));
    assert.equal(form.status, 200);
    return agent.post(form.url.href, { login, password });
  }

  it("gives the client Keystone's claims, and a refresh tells new groups", async () => {
    const server = await start();
    const agent = server.newAgent();
    const tokens = tokensOf(await redeem(agent, codeOf(await submit(server, "jane", "foo"))));
    const { claims } = await verify(tokens.id_token, server, agent);
    const groups = [...(claims.groups as readonly string[])].sort();
    assert.deepEqual(
      [claims.name, claims.email, claims.email_verified, groups],
      ["jane", "janedoe@example.com", true, ["admins", "developers"]],
    );
    const subject = Buffer.from(String(claims.sub), "base64url").toString();
    assert.ok(subject.includes(ids.get("user jane") ?? "-"), subject);
    await join("jane", "later");
    const again = tokensOf(await refresh(agent, tokens.refresh_token ?? ""));
    const now = (await verify(again.id_token, server, agent)).claims.groups as readonly string[];
    assert.deepEqual([...now].sort(), ["admins", "developers", "later"]);
  });

  it("is refused for a wrong password, an unknown name and a disabled account alike", async () => {
    const server = await start();
    const attempts = [
      ["jane", "wrong"],
      ["nobody", "foo"],
      ["gone", "gone"],
    ] as const;
    for (const [name, password] of attempts) {
      const { status, body } = await submit(server, name, password);
      assert.equal(status, 401, name);
      assert.match(body, /Those details do not match/);
    }
  });

  it("works in another domain, by its id and by its name", async () => {
    for (const domain of ["other", ids.get("domain other")]) {
      const server = await start({ domain });
      const { id_token } = tokensOf(
        await redeem(server.newAgent(), codeOf(await submit(server, "asa", "bäz pass", "openid profile"))),
      );
      assert.equal((await verify(id_token, server, server.newAgent())).claims.name, "asa");
    }
  });

  it("keeps out who is in no required group, with a page, whatever the client asked for", async () => {
    const server = await start({ groups: ["admins"] });
    assert.equal((await submit(server, "john", "bar", "openid")).status, 403);
    codeOf(await submit(server, "jane", "foo", "openid"));
  });

  it("and who has a role on no required project", async () => {
    const server = await start({ projects: ["demo"] });
    assert.equal((await submit(server, "john", "bar")).status, 403);
    const roles = (await keystone.api("GET", "/roles")).roles as unknown as readonly { name: string; id: string }[];
    const role = roles.find(({ name }) => name === "member")?.id;
    const project = `/projects/${ids.get("project demo")}`;
    await keystone.api("PUT", `${project}/users/${ids.get("user john")}/roles/${role}`);
    codeOf(await submit(server, "john", "bar"));
  });

  it("ends with the account: a refresh is refused once it is disabled or deleted", async () => {
    const server = await start();
    const agent = server.newAgent();
    const sign = async () => tokensOf(await redeem(agent, codeOf(await submit(server, "leaver", "foo")))).refresh_token;
    const user = `/users/${ids.get("user leaver")}`;
    const [first, second] = [await sign(), await sign()];
    await keystone.api("PATCH", user, { user: { enabled: false } });
    assertRefused(await refresh(agent, first ?? ""), "invalid_grant");
    await keystone.api("DELETE", user);
    assertRefused(await refresh(agent, second ?? ""), "invalid_grant");
  });
});
