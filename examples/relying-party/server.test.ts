/** The application's own half: cookies, forms, and a provider that is away. The login itself is in test/browser. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

describe("the example application", () => {
  let child: ChildProcess;
  let origin = "";
  before(async () => {
    // Port 9 of loopback answers nobody: the provider is away.
    const args = ["--issuer", "http://127.0.0.1:9/dex", "--listen", "http://127.0.0.1:0"];
    const started = spawn(process.execPath, [join(import.meta.dirname, "server.ts"), ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    child = started;
    const [line] = await once(started.stdout, "data");
    origin = /http:\S+/.exec(String(line))?.[0] ?? "";
  });
  after(() => child.kill());

  interface Visit {
    readonly page: string;
    readonly cookie: string;
    readonly formToken: string;
  }

  async function visit(cookie = ""): Promise<Visit> {
    const response = await fetch(origin, { headers: { cookie } });
    assert.equal(response.status, 200);
    const page = await response.text();
    const setCookie = response.headers.get("set-cookie") ?? "";
    assert.match(setCookie, /; HttpOnly; SameSite=Lax$/);
    const formToken = /name="form_token" value="([^"]+)"/.exec(page)?.[1] ?? "";
    return { page, cookie: setCookie.split(";")[0] ?? "", formToken };
  }

  const post = (path: string, cookie: string, formToken: string): Promise<Response> =>
    fetch(`${origin}${path}`, {
      method: "POST",
      headers: { cookie },
      body: new URLSearchParams({ form_token: formToken, scope: "email" }),
      redirect: "manual",
    });

  it("refuses a form without this session's token", async () => {
    const { cookie } = await visit();
    const stranger = await visit();
    for (const path of ["/login", "/refresh", "/userinfo", "/logout"]) {
      assert.equal((await post(path, cookie, "")).status, 403, path);
      assert.equal((await post(path, cookie, stranger.formToken)).status, 403, path);
    }
  });
  it("changes nothing by GET", async () => {
    assert.equal((await fetch(`${origin}/logout`)).status, 404);
  });
  it("says that the provider is away, once", async () => {
    const { cookie, formToken } = await visit();
    const response = await post("/login", cookie, formToken);
    assert.deepEqual([response.status, response.headers.get("location")], [303, "/"]);
    assert.match((await visit(cookie)).page, /The provider does not answer/);
    assert.doesNotMatch((await visit(cookie)).page, /The provider does not answer/);
  });
  it("takes no answer that belongs to no login of this browser", async () => {
    const { cookie } = await visit();
    const options = { headers: { cookie }, redirect: "manual" } as const;
    await fetch(`${origin}/callback?code=stolen&state=elsewhere`, options);
    assert.match((await visit(cookie)).page, /belongs to no login of this browser/);
  });
  it("escapes what it repeats", async () => {
    const response = await fetch(`${origin}/%3Cscript%3Ealert(1)`);
    assert.equal(response.status, 404);
    assert.doesNotMatch(await response.text(), /<script/);
  });
});
