/** The form of connectors that check a password themselves: `/auth/{connector}/login`. OIDC Core §3.1.2.3. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { assertPage, authPath, codeOf, type Params, redeem, tokensOf, unescapeHtml, verify } from "./relying-party.ts";
import { mockConnector, passwordConnector, startServerUnderTest } from "./server-under-test.ts";
import type { Answer, UserAgent } from "./user-agent.ts";

// "password"
const hash = "$2b$10$gMUj5CiVr/sp4uth6RvA7ehMTz4zJBP9lJkbWkIequzjgUyuxTNAK";
const server = await startServerUnderTest({
  enablePasswordDB: true,
  staticPasswords: [
    {
      email: "Admin@Example.com",
      username: "admin",
      name: "Ada Admin",
      preferredUsername: "ada",
      userID: "08a8684b-db88-4b73-90a9-3cd1661f5466",
      groups: ["admins"],
      hash,
    },
    { email: "plain@example.com", username: "plain", userID: "plain-id", emailVerified: false, hash },
  ],
  connectors: [mockConnector, passwordConnector],
});
after(() => server.close());
const agent = server.newAgent();

const openForm = async (id: string, more: Params = {}, from: UserAgent = agent): Promise<Answer> =>
  from.follow(await from.get(authPath({ connector_id: id, scope: "openid email profile groups", ...more })));
const valueIn = ({ body }: Answer, id: string): string | undefined => {
  const tag = new RegExp(`<input id="${id}"[^>]*>`).exec(body)?.[0] ?? assert.fail(`no field ${id}`);
  const value = / value="([^"]*)"/.exec(tag)?.[1];
  return value === undefined ? undefined : unescapeHtml(value);
};

describe("the password form", () => {
  it("posts to its own address, with the fields that scripts and password managers know", async () => {
    const form = await openForm("pw");
    assert.equal(form.status, 200);
    const [, action = ""] = /<form method="post" action="([^"]*)"/.exec(form.body) ?? [];
    assert.equal(unescapeHtml(action), form.url.pathname + form.url.search);
    for (const field of [
      'id="login" name="login"',
      'id="password" name="password" type="password"',
      'id="submit-login"',
    ]) {
      assert.ok(form.body.includes(field), field);
    }
    assert.ok(!form.body.includes("login-error"));
    assert.ok(!form.body.includes("remember_me"));
  });

  it("asks for what the connector calls it", async () => {
    assert.match((await openForm("pw")).body, /<label for="login">Username<\/label>/);
    assert.match((await openForm("local")).body, /<label for="login">Email Address<\/label>/);
  });

  it("begins with the login_hint, as text", async () => {
    assert.equal(valueIn(await openForm("pw"), "login"), "");
    const hint = '"><script>alert(1)</script>';
    const form = await openForm("pw", { login_hint: hint });
    assert.equal(valueIn(form, "login"), hint);
    assert.ok(!form.body.includes("<script"));
  });

  it("is not for other methods", async () => {
    const form = await openForm("pw");
    for (const method of ["PUT", "DELETE", "OPTIONS"]) {
      assertPage(await agent.ask(form.url.href, { method }), 400, "Method not allowed.");
    }
  });

  it("does not exist for a connector that redirects", async () => {
    const { url } = await openForm("pw");
    assertPage(await agent.get(url.href.replace("/auth/pw/", "/auth/mock/")), 400);
  });
});

describe("a wrong name or password", () => {
  for (const [what, id, login, password] of [
    ["a wrong password", "pw", "kilgore", "x"],
    ["a wrong name", "pw", "somebody", "trout"],
    ["a name in another case", "pw", "Kilgore", "trout"],
    ["an empty password", "pw", "kilgore", ""],
    ["nothing at all", "pw", "", ""],
    ["a wrong password of the database", "local", "admin@example.com", "x"],
    ["an unknown person of the database", "local", "nobody@example.com", "password"],
    ["an empty password of the database", "local", "admin@example.com", ""],
    ["a password and more", "local", "admin@example.com", "password "],
    ["a name that is markup", "pw", '"><b>', "x"],
  ] as const) {
    it(`shows the form again with 401, an error and the name: ${what}`, async () => {
      const form = await openForm(id);
      const answer = await agent.post(form.url.href, { login, password });
      assert.equal(answer.status, 401);
      assert.match(answer.body, /id="login-error"/);
      assert.equal(valueIn(answer, "login"), login);
      assert.equal(valueIn(answer, "password"), undefined);
      assert.ok(!answer.body.includes("<b>"));
      // A challenge would make the browser ask in a window of its own.
      assert.equal(answer.headers["www-authenticate"], undefined);
    });
  }

  it("tells an unknown person from a wrong password by nothing on the page", async () => {
    const form = await openForm("local");
    const shown = async (login: string): Promise<string> =>
      (await agent.post(form.url.href, { login, password: "x" })).body.replaceAll(login, "");
    assert.equal(await shown("admin@example.com"), await shown("nobody@example.com"));
  });

  it("is not written to the log", async () => {
    const form = await openForm("pw");
    await agent.post(form.url.href, { login: "kilgore", password: "a-wrong-secret" });
    for (const line of server.log) assert.ok(!line.includes("a-wrong-secret"), line);
  });
});

describe("the right name and password", () => {
  it("end in tokens about that person", async () => {
    const form = await openForm("local");
    const answer = await agent.post(form.url.href, { login: "aDMIN@example.com", password: "password" });
    assert.equal(answer.status, 303);
    const tokens = tokensOf(await redeem(agent, codeOf(answer)));
    const { claims } = await verify(tokens.id_token, server, agent);
    assert.equal(claims.sub, "CiQwOGE4Njg0Yi1kYjg4LTRiNzMtOTBhOS0zY2QxNjYxZjU0NjYSBWxvY2Fs");
    assert.equal(claims.name, "Ada Admin");
    assert.equal(claims.preferred_username, "ada");
    assert.equal(claims.email_verified, true);
    assert.deepEqual(claims.groups, ["admins"]);
  });

  it("take the user name where there is no name, and say that an address is not verified", async () => {
    const form = await openForm("local");
    const answer = await agent.post(form.url.href, { login: "plain@example.com", password: "password" });
    const tokens = tokensOf(await redeem(agent, codeOf(answer)));
    const { claims } = await verify(tokens.id_token, server, agent);
    assert.equal(claims.name, "plain");
    assert.equal(claims.email, "plain@example.com");
    assert.equal(claims.email_verified, false);
    assert.equal(claims.groups, undefined);
    assert.equal(claims.preferred_username, undefined);
  });
});
