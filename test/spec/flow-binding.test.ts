/**
 * A login belongs to the browser that began it, to its connector, to its step and to one answer. Whoever brings a
 * leaked, altered or used address gets a page that leads nowhere. RFC 9700 §4.7, RFC 6749 §10.12.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, describe, it } from "node:test";
import {
  assertPage,
  authPath,
  codeOf,
  obtainCode,
  type Params,
  redeem,
  tokensOf,
  unescapeHtml,
} from "./relying-party.ts";
import { mockConnector, passwordConnector, startServerUnderTest } from "./server-under-test.ts";
import type { Answer, UserAgent } from "./user-agent.ts";

const connectors = [
  mockConnector,
  { ...mockConnector, id: "mock2", name: "Mock 2" },
  passwordConnector,
  { ...passwordConnector, id: "pw2", name: "Password 2" },
];
const server = await startServerUnderTest({ connectors });
const asking = await startServerUnderTest({ connectors, oauth2: { skipApprovalScreen: false } });
after(() => Promise.all([server.close(), asking.close()]));

const right = { login: "kilgore", password: "trout" };
const minute = 60_000;
const sessionError = [400, "User session error."] as const;
const unauthorized = [401, "Unauthorized request"] as const;

/** The form of connector `id`, fetched: where it posts to. */
async function openForm(agent: UserAgent, id = "pw", more: Params = {}): Promise<URL> {
  const page = await agent.follow(await agent.get(authPath({ connector_id: id, ...more })));
  assert.equal(page.status, 200, page.body);
  return page.url;
}

/** The callback that connector `id` would send the browser to, not yet followed. */
async function beginRedirect(agent: UserAgent, id = "mock", more: Params = {}): Promise<URL> {
  const begun = await agent.get((await agent.get(authPath({ connector_id: id, ...more }))).location?.href ?? "");
  assert.equal(begun.status, 302, begun.body);
  assert.ok(begun.location !== undefined);
  assert.match(begun.location.pathname, /\/callback$/);
  return begun.location;
}

const withState = (url: URL, state: string | null): string => {
  const changed = new URL(url);
  if (state === null) changed.searchParams.delete("state");
  else changed.searchParams.set("state", state);
  return changed.href;
};
const stateOf = (url: URL): string => url.searchParams.get("state") ?? "";

/** Every way to spoil a sealed value that a person with an editor would try. */
function* spoilt(sealed: string): Generator<readonly [how: string, state: string]> {
  for (const [name, at] of [
    ["first", 2],
    ["middle", Math.floor(sealed.length / 2)],
    ["last", sealed.length - 1],
  ] as const) {
    const other = sealed[at] === "A" ? "B" : "A";
    yield [`its ${name} character changed`, sealed.slice(0, at) + other + sealed.slice(at + 1)];
  }
  yield ["cut in half", sealed.slice(0, sealed.length / 2)];
  yield ["its last character cut off", sealed.slice(0, -1)];
  yield ["a character more", `${sealed}A`];
  yield ["padding", `${sealed}=`];
  yield ["another version", sealed.replace("1.", "2.")];
  yield ["no version", sealed.slice(2)];
  yield ["twice", sealed + sealed];
  yield ["nothing of it", "x"];
}

describe("the password form", () => {
  it("opens and posts in the browser that began", async () => {
    const agent = server.newAgent();
    const form = await openForm(agent);
    assert.match(form.pathname, /\/auth\/pw\/login$/);
    tokensOf(await redeem(agent, codeOf(await agent.post(form.href, right))));
  });

  it("refuses no state", async () => {
    const agent = server.newAgent();
    const form = await openForm(agent);
    assertPage(await agent.get(withState(form, null)), ...sessionError);
    assertPage(await agent.get(withState(form, "")), ...sessionError);
    // A state in the body is none: only the address was sealed.
    assertPage(await agent.post(withState(form, null), { ...right, state: stateOf(form) }), ...sessionError);
  });

  it("refuses a spoilt state, to look at and to post to", async () => {
    const agent = server.newAgent();
    const form = await openForm(agent);
    for (const [how, state] of spoilt(stateOf(form))) {
      for (const answer of [await agent.get(withState(form, state)), await agent.post(withState(form, state), right)]) {
        assertPage(answer, 400);
        assert.equal(answer.body.includes("User session error."), true, how);
      }
    }
  });

  it("refuses the state in a browser that has another secret, or none", async () => {
    const form = await openForm(server.newAgent());
    const stranger = server.newAgent();
    assertPage(await stranger.get(form.href), ...sessionError);
    assertPage(await stranger.post(form.href, right), ...sessionError);
    await openForm(stranger);
    assert.equal(stranger.cookies.size, 1);
    assertPage(await stranger.post(form.href, right), ...sessionError);
  });

  it("refuses the state of another connector, and of a connector without a form", async () => {
    const agent = server.newAgent();
    const form = await openForm(agent);
    for (const id of ["pw2", "mock", "stranger"]) {
      const elsewhere = form.href.replace("/auth/pw/", `/auth/${id}/`);
      assertPage(await agent.post(elsewhere, right), 400, "Requested resource does not exist.");
    }
  });

  it("refuses the state of a callback", async () => {
    const agent = server.newAgent();
    const form = await openForm(agent);
    assertPage(await agent.post(withState(form, stateOf(await beginRedirect(agent))), right), ...sessionError);
  });

  it("refuses a state that has grown too old", async () => {
    const agent = server.newAgent();
    const form = await openForm(agent);
    await server.clock.advance(24 * 60 * minute);
    tokensOf(await redeem(agent, codeOf(await agent.post((await openForm(agent)).href, right))));
    assert.equal((await agent.get(form.href)).status, 200);
    await server.clock.advance(1);
    assertPage(await agent.get(form.href), 400, "User session has expired.");
    assertPage(await agent.post(form.href, right), 400, "User session has expired.");
  });

  it("does not answer a second time: the back button", async () => {
    const agent = server.newAgent();
    const form = await openForm(agent);
    const code = codeOf(await agent.post(form.href, right));
    assertPage(await agent.post(form.href, right), 400);
    const tokens = tokensOf(await redeem(agent, code));
    assertPage(await agent.post(form.href, right), 400);
    // Neither has harmed the first answer.
    assert.equal(
      (await agent.ask("/userinfo", { headers: { authorization: `Bearer ${tokens.access_token}` } })).status,
      200,
    );
  });

  it("answers once, however often it is sent at the same time", async () => {
    const agent = server.newAgent();
    const form = await openForm(agent);
    const answers = await Promise.all(Array.from({ length: 20 }, () => agent.post(form.href, right)));
    const [only, ...more] = answers.filter(({ status }) => status === 303);
    assert.equal(more.length, 0);
    for (const answer of answers) if (answer !== only) assertPage(answer, 400);
  });

  it("may be sent again after a wrong password", async () => {
    const agent = server.newAgent();
    const form = await openForm(agent);
    assert.equal((await agent.post(form.href, { ...right, password: "x" })).status, 401);
    codeOf(await agent.post(form.href, right));
  });
});

describe("the callback", () => {
  it("opens in the browser that began", async () => {
    const agent = server.newAgent();
    tokensOf(await redeem(agent, codeOf(await agent.get((await beginRedirect(agent)).href))));
  });

  it("refuses no state", async () => {
    const agent = server.newAgent();
    const callback = await beginRedirect(agent);
    assertPage(await agent.get(withState(callback, null)), ...sessionError);
    assertPage(await agent.get(withState(callback, "")), ...sessionError);
  });

  it("refuses a spoilt state", async () => {
    const agent = server.newAgent();
    const callback = await beginRedirect(agent);
    for (const [how, state] of spoilt(stateOf(callback))) {
      const answer = await agent.get(withState(callback, state));
      assertPage(answer, 400);
      assert.equal(answer.body.includes("User session error."), true, how);
    }
  });

  it("refuses the state in a browser that has another secret, or none: login CSRF", async () => {
    const callback = await beginRedirect(server.newAgent());
    const victim = server.newAgent();
    assertPage(await victim.get(callback.href), ...sessionError);
    await beginRedirect(victim);
    assertPage(await victim.get(callback.href), ...sessionError);
  });

  it("refuses the state of a form", async () => {
    const agent = server.newAgent();
    const callback = await beginRedirect(agent);
    assertPage(await agent.get(withState(callback, stateOf(await openForm(agent)))), ...sessionError);
  });

  it("refuses another connector's path", async () => {
    const agent = server.newAgent();
    const callback = await beginRedirect(agent);
    const named = (id: string): string => callback.href.replace("/callback", `/callback/${id}`);
    for (const id of ["mock2", "pw", "stranger"]) {
      assertPage(await agent.get(named(id)), 400, "Requested resource does not exist.");
    }
    codeOf(await agent.get(named("mock")));
  });

  it("refuses a state that has grown too old", async () => {
    const agent = server.newAgent();
    const callback = await beginRedirect(agent);
    await server.clock.advance(24 * 60 * minute + 1);
    assertPage(await agent.get(callback.href), 400, "User session has expired.");
  });

  it("does not answer a second time, before or after the code was redeemed", async () => {
    const agent = server.newAgent();
    const callback = await beginRedirect(agent);
    const code = codeOf(await agent.get(callback.href));
    assertPage(await agent.get(callback.href), 400);
    tokensOf(await redeem(agent, code));
    assertPage(await agent.get(callback.href), 400);
    await server.clock.advance(31 * minute);
    assertPage(await agent.get(callback.href), 400);
  });

  it("refuses POST for a connector that redirects, and methods nobody uses", async () => {
    const agent = server.newAgent();
    const callback = await beginRedirect(agent);
    assertPage(await agent.post(callback.href, {}), 400);
    assertPage(await agent.ask(callback.href, { method: "PUT" }), 400, "Method not allowed.");
    codeOf(await agent.get(callback.href));
  });

  it("is not spent by HEAD, whose sender would never see the answer: RFC 9110 §9.2.1", async () => {
    const agent = server.newAgent();
    const callback = await beginRedirect(agent);
    assert.equal((await agent.ask(callback.href, { method: "HEAD" })).headers.location, undefined);
    codeOf(await agent.get(callback.href));
  });
});

describe("two tabs of one browser", () => {
  it("both come to their end, in any order", async () => {
    const agent = server.newAgent();
    const [first, second] = [await openForm(agent, "pw", { state: "1" }), await openForm(agent, "pw", { state: "2" })];
    const third = await beginRedirect(agent, "mock", { state: "3" });
    const told = [
      await agent.post(second.href, right),
      await agent.get(third.href),
      await agent.post(first.href, right),
    ];
    assert.deepEqual(
      told.map(({ location }) => location?.searchParams.get("state")),
      ["2", "3", "1"],
    );
    const codes = told.map(codeOf);
    assert.equal(new Set(codes).size, 3);
    for (const code of codes) tokensOf(await redeem(agent, code));
  });

  it("both come to their end, though a fresh browser opened them at the same time: a restored session", async () => {
    const agent = server.newAgent();
    const forms = await Promise.all(["1", "2"].map((state) => openForm(agent, "pw", { state })));
    for (const form of forms) codeOf(await agent.post(form.href, right));
  });

  it("keep the secret that the browser has", async () => {
    const agent = server.newAgent();
    await openForm(agent);
    const [secret] = agent.cookies.values();
    await openForm(agent);
    assert.deepEqual([...agent.cookies.values()], [secret]);
    assert.equal((await agent.get(authPath({}, undefined, "/auth/mock"))).headers["set-cookie"], undefined);
  });

  it("that bring a secret nobody could have been given get a new one", async () => {
    const agent = server.newAgent();
    const headers = { cookie: "dex_browser_00000000=guessable" };
    const answer = await agent.ask(authPath({}, undefined, "/auth/mock"), { headers });
    assert.match(
      answer.headers["set-cookie"]?.[0] ?? "",
      /^dex_browser_[0-9a-f]{8}=[A-Za-z0-9_-]{22}; Path=\/; HttpOnly; SameSite=Lax$/,
    );
  });
});

/** The consent page of a login that has just been completed. */
async function openConsent(agent: UserAgent, more: Params = {}): Promise<Answer> {
  const page = await agent.follow(await agent.get(authPath({ connector_id: "mock", ...more })));
  assert.equal(page.status, 200);
  assert.match(page.url.pathname, /\/approval$/);
  return page;
}

const consentForm = ({ body }: Answer): Readonly<Record<string, string>> => ({
  req: unescapeHtml(/name="req" value="([^"]*)"/.exec(body)?.[1] ?? ""),
  approval: "approve",
});

describe("the consent page", () => {
  it("answers one of two clicks", async () => {
    const agent = asking.newAgent();
    const page = await openConsent(agent);
    const code = codeOf(await agent.post(page.url.href, consentForm(page)));
    assertPage(await agent.post(page.url.href, consentForm(page)), ...sessionError);
    tokensOf(await redeem(agent, code));
  });

  it("answers one of twenty clicks at the same time", async () => {
    const agent = asking.newAgent();
    const page = await openConsent(agent);
    const answers = await Promise.all(Array.from({ length: 20 }, () => agent.post(page.url.href, consentForm(page))));
    const [only, ...more] = answers.filter(({ status }) => status === 303);
    assert.equal(more.length, 0);
    for (const answer of answers) if (answer !== only) assertPage(answer, ...sessionError);
    tokensOf(await redeem(agent, codeOf(only ?? page)));
  });

  it("is nothing in another browser, to look at or to agree to", async () => {
    const page = await openConsent(asking.newAgent());
    const stranger = asking.newAgent();
    for (const agent of [stranger, await signedIn(stranger)]) {
      assertPage(await agent.get(page.url.href), ...unauthorized);
      assertPage(await agent.post(page.url.href, consentForm(page)), ...unauthorized);
    }
  });

  it("is nothing without its MAC, with a spoilt one, or with that of another login", async () => {
    const agent = asking.newAgent();
    const page = await openConsent(agent);
    const other = await openConsent(agent);
    const mac = page.url.searchParams.get("hmac") ?? "";
    for (const hmac of [
      "",
      "x",
      mac.slice(0, -1),
      `${mac}A`,
      mac.replace(/^./, (c) => (c === "A" ? "B" : "A")),
      other.url.searchParams.get("hmac") ?? "",
    ]) {
      const url = new URL(page.url);
      url.searchParams.set("hmac", hmac);
      assertPage(await agent.get(url.href), ...unauthorized);
      assertPage(await agent.post(url.href, consentForm(page)), ...unauthorized);
    }
    // The form names another login than the address: its MAC does not fit.
    assertPage(await agent.post(page.url.href, consentForm(other)), ...unauthorized);
    codeOf(await agent.post(page.url.href, consentForm(page)));
  });

  it("cannot be stepped over at /auth with the MAC that opens it", async () => {
    const agent = asking.newAgent();
    const page = await openConsent(agent);
    assertPage(await agent.get(`/auth${page.url.search}`), ...unauthorized);
  });

  it("grows too old with its request", async () => {
    const agent = asking.newAgent();
    const page = await openConsent(agent);
    await asking.clock.advance(24 * 60 * minute + 1);
    // Either it has been collected by then, or it is refused for its age.
    assertPage(await agent.get(page.url.href), 400);
    assertPage(await agent.post(page.url.href, consentForm(page)), 400);
  });

  it("of one request is answered once, though the form before it was sent twice", async () => {
    const agent = asking.newAgent();
    const form = await openForm(agent);
    const pages = [
      await agent.follow(await agent.post(form.href, right)),
      await agent.follow(await agent.post(form.href, right)),
    ];
    const answers: Answer[] = [];
    for (const page of pages) answers.push(await agent.post(page.url.href, consentForm(page)));
    assert.deepEqual(
      answers.map(({ status }) => status),
      [303, 400],
    );
  });

  /** `agent` with a login of its own behind it, so that it has a secret. */
  async function signedIn(agent: UserAgent): Promise<UserAgent> {
    await openConsent(agent);
    return agent;
  }
});

describe("a flood of requests from nobody", () => {
  const folder = mkdtempSync(join(tmpdir(), "dex-flood-"));
  after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "dex.db");

  /** Rows of every table. */
  function countRows(): Readonly<Record<string, number>> {
    const database = new DatabaseSync(file, { readOnly: true });
    try {
      const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
      return Object.fromEntries(
        tables.map(({ name }) => [name, Number(database.prepare(`SELECT count(*) AS n FROM "${name}"`).get()?.n)]),
      );
    } finally {
      database.close();
    }
  }

  it("writes nothing, until somebody has signed in", async () => {
    const flooded = await startServerUnderTest({ connectors, storage: { type: "sqlite3", config: { file } } });
    try {
      const agent = flooded.newAgent(16);
      await agent.get("/keys");
      const before = countRows();
      const targets = [
        authPath({}),
        authPath({}, undefined, "/auth/mock"),
        authPath({}, undefined, "/auth/pw"),
        (await openForm(agent)).href,
      ];
      const statuses = new Set<number>();
      await Promise.all(
        Array.from({ length: 2_000 }, async (_, index) => {
          statuses.add((await agent.get(targets[index % targets.length] ?? "")).status);
        }),
      );
      assert.deepEqual([...statuses].sort(), [200, 302]);
      assert.deepEqual(countRows(), before);
      // A wrong password is counted for the account it was tried on, however often, in one row.
      for (const password of ["x", "y"]) {
        assert.equal((await agent.post(targets[3] ?? "", { ...right, password })).status, 401);
      }
      assert.deepEqual(countRows(), { ...before, dexts_login_attempt: 1 });
      await obtainCode(agent, { connector_id: "mock" });
      assert.equal(countRows().auth_code, 1);
    } finally {
      await flooded.close();
    }
  });
});
