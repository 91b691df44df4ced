/** `/signup`: people make themselves an account in the built-in database, by the form or by a program. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import fc from "fast-check";
import { assertPage, authorize, codeOf, redeem, unescapeHtml, userinfo } from "./relying-party.ts";
import { startServerUnderTest } from "./server-under-test.ts";
import type { Answer, UserAgent } from "./user-agent.ts";

const folder = await mkdtemp(join(tmpdir(), "signup-"));
await writeFile(join(folder, "breached.txt"), "12345678\nletmein99\npassword\npassword1\n");
const hash = "$2a$10$2b2cU8CPhOTaGrs1HRQuAueS7JTT5ZHsHSzYiFPm1leZck7Mc8T4W";
const base = {
  enablePasswordDB: true,
  enableSignup: true,
  connectors: [],
  signup: { maxPerHour: 10_000, breachedPasswords: join(folder, "breached.txt") },
  staticPasswords: [{ email: "admin@example.com", hash, username: "admin", userID: "1" }],
};
const server = await startServerUnderTest(base);
const closed = await startServerUnderTest({ enablePasswordDB: true, connectors: [] });
const strict = await startServerUnderTest({ ...base, signup: { maxPerHour: 3 } });
after(async () => {
  await Promise.all([server.close(), closed.close(), strict.close()]);
  await rm(folder, { recursive: true });
});

const ada = { email: "ada@example.com", username: "Ada", password: "correct horse" };
let people = 0;
const somebody = () => ({ ...ada, email: `person${++people}@example.com` });

const signUpJson = (body: unknown, agent = server.newAgent(), more = {}): Promise<Answer> =>
  agent.ask("/signup", {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
    headers: { "content-type": "application/json", ...more },
  });

const csrfOf = ({ body }: Answer): string => unescapeHtml(/name="csrf" value="([^"]*)"/.exec(body)?.[1] ?? "");

/** Opens the form and sends it. */
async function signUpForm(agent: UserAgent, fields: Readonly<Record<string, string>>): Promise<Answer> {
  const page = await agent.get("/signup");
  return agent.post("/signup", { csrf: csrfOf(page), ...fields });
}

async function logIn(agent: UserAgent, login: string, password: string): Promise<Answer> {
  const page = await authorize(agent, { scope: "openid email profile" });
  return agent.post(page.url.href, { login, password });
}

function assertJson(answer: Answer, status: number, description: string): void {
  assert.equal(answer.status, status, answer.body);
  assert.match(String(answer.headers["content-type"]), /^application\/json/);
  assert.ok(answer.body.endsWith("}\n"));
  assert.equal((JSON.parse(answer.body) as { error_description: string }).error_description, description);
}

describe("a program that signs somebody up", () => {
  it("is told 201 with the address as sent, which is kept in lower case", async () => {
    const answer = await signUpJson({ ...ada, email: "Grace@Example.COM" });
    assert.equal(answer.status, 201, answer.body);
    const { user_id: userId, ...rest } = JSON.parse(answer.body) as Record<string, string>;
    assert.deepEqual(rest, { email: "Grace@Example.COM", username: "Ada", message: "User created successfully" });
    assert.match(String(userId), /^[a-z][a-z2-7]{24}$/);
    assert.equal(answer.headers["set-cookie"], undefined, "it logs nobody in");
    const agent = server.newAgent();
    const code = codeOf(await logIn(agent, "grace@example.com", ada.password));
    const tokens = JSON.parse((await redeem(agent, code)).body) as { access_token: string };
    const claims = JSON.parse((await userinfo(agent, tokens.access_token)).body) as Record<string, unknown>;
    assert.deepEqual([claims.email, claims.email_verified, claims.name], ["grace@example.com", false, "Ada"]);
  });

  it("is told what is wrong, in the documented order and words", async () => {
    const cases: readonly (readonly [unknown, string])[] = [
      ["{", "Invalid JSON payload"],
      ["[]", "Invalid JSON payload"],
      ['"a"', "Invalid JSON payload"],
      [{ ...ada, admin: true }, "Invalid JSON payload"],
      [{ ...ada, email: 7 }, "Invalid JSON payload"],
      [{}, "Email is required"],
      [{ ...ada, email: "" }, "Email is required"],
      [{ ...ada, email: "ada" }, "Invalid email format"],
      [{ email: "a@example.com" }, "Password is required"],
      [{ email: "a@example.com", password: "short" }, "Password must be at least 8 characters long"],
      [{ email: "a@example.com", password: "ééééé" }, "Password must be at least 8 characters long"],
      [{ email: "a@example.com", password: "x".repeat(73) }, "Password must be at most 72 bytes long"],
      [{ email: "a@example.com", password: "é".repeat(37) }, "Password must be at most 72 bytes long"],
      [{ email: "a@example.com", password: "12345\u0000678" }, "Password holds a character that cannot be used"],
      [{ email: "a@example.com", password: "letmein99" }, "Password is known to attackers"],
      [{ email: "a@example.com", password: ada.password }, "Username is required"],
      [{ ...ada, username: "  " }, "Username is required"],
      [{ ...ada, username: "a\u202eb" }, "Invalid username"],
      [{ ...ada, username: "a\r\nb" }, "Invalid username"],
      [{ ...ada, username: "x".repeat(257) }, "Invalid username"],
    ];
    for (const [body, description] of cases) assertJson(await signUpJson(body), 400, description);
  });

  it("is told 409 for an address that is taken, in any case, the configuration's too", async () => {
    const person = somebody();
    assert.equal((await signUpJson(person)).status, 201);
    assertJson(
      await signUpJson({ ...person, email: person.email.toUpperCase() }),
      409,
      "User with this email already exists",
    );
    assertJson(await signUpJson({ ...ada, email: "Admin@example.com" }), 409, "User with this email already exists");
  });

  it("makes one account of fifty at once", async () => {
    const person = somebody();
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => signUpJson({ ...person, username: `P${i}` })),
    );
    const statuses = answers.map(({ status }) => status).toSorted();
    assert.deepEqual(statuses, [201, ...Array.from({ length: 49 }, () => 409)]);
    const made = answers.find(({ status }) => status === 201);
    const agent = server.newAgent();
    const tokens = await redeem(agent, codeOf(await logIn(agent, person.email, person.password)));
    const { access_token: token } = JSON.parse(tokens.body) as { access_token: string };
    const claims = JSON.parse((await userinfo(agent, token)).body) as { name: string };
    assert.equal(claims.name, (JSON.parse(made?.body ?? "{}") as { username: string }).username);
  });

  it("is told 413 beyond a megabyte, 405 for another method, in JSON", async () => {
    const big = await signUpJson({ ...ada, username: "x".repeat(1024 * 1024) });
    assert.deepEqual([big.status, String(big.headers["content-type"])], [413, "application/json"]);
    const put = await server
      .newAgent()
      .ask("/signup", { method: "PUT", body: "{}", headers: { "content-type": "application/json" } });
    assert.deepEqual([put.status, (JSON.parse(put.body) as { error: string }).error], [405, "invalid_request"]);
  });

  it("is refused where it is a page of another site", async () => {
    const answer = await signUpJson(somebody(), server.newAgent(), { "sec-fetch-site": "cross-site" });
    assertJson(answer, 403, "Cross-site request");
  });

  it("never brings the server down, whatever it sends", async () => {
    const agent = server.newAgent();
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.json(),
          fc.string(),
          fc.record({ email: fc.string(), password: fc.string(), username: fc.string() }).map((r) => JSON.stringify(r)),
        ),
        async (text) => {
          const { status } = await signUpJson(text, agent);
          assert.ok(status === 400 || status === 201 || status === 409, `${status} for ${text}`);
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe("the form", () => {
  it("keeps address and name when it is refused, says why, and never the password", async () => {
    const answer = await signUpForm(server.newAgent(), {
      ...ada,
      email: "bad",
      username: "A<b>",
      password: "secret-password",
    });
    assert.equal(answer.status, 400);
    assert.match(answer.body, /id="signup-error"[^>]*role="alert">This is not a complete email address/);
    assert.match(answer.body, /value="bad"/);
    assert.match(answer.body, /value="A&lt;b&gt;"/);
    assert.doesNotMatch(answer.body, /secret-password/);
    const person = somebody();
    await signUpJson(person);
    assert.equal((await signUpForm(server.newAgent(), person)).status, 400, "409 is for programs");
  });

  it("of another site does nothing (CSRF)", async () => {
    const person = somebody();
    const stranger = csrfOf(await server.newAgent().get("/signup"));
    for (const csrf of ["", "1.abc", stranger]) {
      const agent = server.newAgent();
      await agent.get("/signup");
      assertPage(await agent.post("/signup", { ...person, csrf }), 403);
    }
    assert.equal((await signUpJson(person)).status, 201, "nobody has made it");
  });

  it("brings the person back into the login they came from", async () => {
    const agent = server.newAgent();
    const person = somebody();
    const login = await authorize(agent, { scope: "openid email", state: "from here" });
    const link = unescapeHtml(/href="([^"]*\/signup\?[^"]*)"/.exec(login.body)?.[1] ?? "");
    const page = await agent.get(new URL(link, "http://127.0.0.1:5556").href);
    const back = unescapeHtml(/name="back" value="([^"]*)"/.exec(page.body)?.[1] ?? "");
    const answer = await agent.post("/signup", { ...person, csrf: csrfOf(page), back });
    assert.deepEqual([answer.status, answer.location?.href], [303, login.url.href]);
    const returned = await agent.get(answer.location?.href ?? "");
    const done = await agent.post(returned.url.href, { login: person.email, password: person.password });
    assert.equal(done.location?.searchParams.get("state"), "from here");
  });

  it("shows that all is done where nobody waits", async () => {
    const answer = await signUpForm(server.newAgent(), somebody());
    assert.equal(answer.status, 200);
    assert.match(answer.body, /Your account is ready/);
  });

  it("leads nowhere else afterwards (open redirect)", async () => {
    for (const back of [
      ...[
        "https://evil.example/",
        "//evil.example/dex/",
        "/\\evil.example/dex/",
        "/other-app",
        "/dexter/",
        "/dex/../other",
      ],
      ...[
        "/dex/%0d%0aSet-Cookie:a=b",
        "javascript:alert(1)",
        "/dex/\r\nLocation: https://evil.example",
        "http:/dex/",
        "/dex/./../x",
      ],
    ]) {
      const { status, location } = await signUpForm(server.newAgent(), { ...somebody(), back });
      if (status === 200) continue;
      assert.equal(location?.origin, "http://127.0.0.1:5556", back);
      assert.ok(location?.pathname.startsWith("/dex/"), `${back} leads to ${location?.pathname}`);
    }
    const page = await server.newAgent().get("/signup?back=https://evil.example/");
    assert.doesNotMatch(page.body, /evil/);
  });
});

describe("sign-up", () => {
  it("is off by default, says so, and is linked nowhere", async () => {
    assertPage(await closed.newAgent().get("/signup"), 403, "User signup is disabled.");
    const answer = await closed.newAgent().ask("/signup", {
      method: "POST",
      body: "{}",
      headers: { "content-type": "application/json" },
    });
    assert.equal(answer.body, '{"error":"access_denied","error_description":"User signup is disabled"}\n');
    assert.doesNotMatch((await authorize(closed.newAgent())).body, /signup/);
  });

  it("is braked by the client's address", async () => {
    const agent = strict.newAgent();
    const statuses: number[] = [];
    for (let i = 0; i < 5; i++) statuses.push((await signUpJson(somebody(), agent)).status);
    assert.deepEqual(statuses, [201, 201, 201, 429, 429]);
    assert.equal((await signUpForm(agent, somebody())).status, 429);
    await strict.clock.advance(3_600_001);
    assert.equal((await signUpJson(somebody(), agent)).status, 201);
  });

  it("tells of missing mail where a password is forgotten, and offers no link to it", async () => {
    const page = await server.newAgent().get("/password/forgot");
    assertPage(page, 501);
    assert.match(page.body, /administrator has set up no mail server \(“mail” in the configuration\)/);
    assert.doesNotMatch((await authorize(server.newAgent())).body, /password\/forgot/);
  });
});
