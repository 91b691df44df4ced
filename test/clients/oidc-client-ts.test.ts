/**
 * oidc-client-ts in a real browser: a public client without a server side signs in by redirect and by popup, renews
 * by refresh token and in a hidden frame, asks userinfo and gives its tokens back, all across origins.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Browser, chromium, type Page } from "playwright-core";
import { z } from "zod";
import { freePort } from "../peer/peer.ts";
import { mockConnector, passwordConnector, type ServerUnderTest } from "../spec/server-under-test.ts";
import { startReachable } from "./reach.ts";

const chromiumFile = "/usr/bin/chromium";
const skip = existsSync(chromiumFile) ? false : `no ${chromiumFile}: apt-get install chromium`;
const library = join(import.meta.dirname, "../../node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js");

/** The application: every address is this page; those of callbacks finish what was begun. */
const pageFor = (issuer: string): string => `<!doctype html><title>application</title>
<button id="redirect">redirect</button><button id="popup">popup</button><button id="silent">silent</button>
<button id="frame">frame</button><button id="give-back">give back</button>
<pre id="told"></pre>
<script src="/oidc-client-ts.js"></script>
<script>
const hint = Object.fromEntries(new URLSearchParams(location.search));
const settings = {
  authority: ${JSON.stringify(issuer)},
  client_id: "spa",
  redirect_uri: location.origin + "/callback",
  popup_redirect_uri: location.origin + "/callback",
  silent_redirect_uri: location.origin + "/callback",
  scope: "openid email profile offline_access",
  loadUserInfo: true,
  response_mode: location.hash !== "" ? "fragment" : (hint.mode ?? "query"),
  automaticSilentRenew: false,
};
const manager = new oidc.UserManager(settings);
const tell = (promise) =>
  promise.then(
    (user) => { told.textContent = JSON.stringify(user ?? {}); },
    (error) => { told.textContent = JSON.stringify({ error: error.error ?? error.message }); });
const request = () => ({ login_hint: hint.login_hint, ui_locales: hint.ui_locales, extraQueryParams: { connector_id: hint.connector ?? "mock" } });
const at = (id, act) => document.getElementById(id).addEventListener("click", () => { told.textContent = ""; tell(act()); });
at("redirect", () => manager.signinRedirect(request()));
at("popup", () => manager.signinPopup(request()));
at("silent", () => manager.signinSilent());
at("frame", async () => {
  await manager.removeUser();
  return manager.signinSilent({ extraQueryParams: { connector_id: hint.connector ?? "mock" } });
});
at("give-back", () => manager.revokeTokens());
if (location.pathname === "/callback") tell(manager.signinCallback());
</script>`;

/** An application without a server side: its files, on an origin of its own. */
async function serveApplication(issuer: () => string): Promise<{ readonly origin: string; readonly server: Server }> {
  const port = await freePort();
  const server = createServer((request, response) => {
    const isLibrary = request.url === "/oidc-client-ts.js";
    response.setHeader("content-type", isLibrary ? "text/javascript" : "text/html");
    response.end(isLibrary ? readFileSync(library) : pageFor(issuer()));
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return { origin: `http://127.0.0.1:${port}`, server };
}

const user = z.looseObject({
  access_token: z.string(),
  id_token: z.string(),
  refresh_token: z.string().optional(),
  profile: z.looseObject({ sub: z.string(), email: z.string(), name: z.string() }),
});

describe("oidc-client-ts in Chromium", { skip }, () => {
  let browser: Browser;
  let server: ServerUnderTest;
  let application: Awaited<ReturnType<typeof serveApplication>>;

  before(async () => {
    application = await serveApplication(() => server.issuer);
    server = await startReachable(
      {
        staticClients: [{ id: "spa", name: "SPA", public: true, redirectURIs: [`${application.origin}/callback`] }],
        connectors: [mockConnector, passwordConnector],
      },
      { sessions: true, allowedOrigins: [application.origin] },
    );
    browser = await chromium.launch({ executablePath: chromiumFile, args: ["--no-sandbox", "--disable-gpu"] });
  });
  after(async () => {
    await browser.close();
    await server.close();
    application.server.close();
    application.server.closeAllConnections();
  });

  async function visit(query: string, act: (page: Page) => Promise<void>): Promise<void> {
    const context = await browser.newContext();
    const page = await context.newPage();
    try {
      await page.goto(`${application.origin}/${query}`);
      await act(page);
    } finally {
      await context.close();
    }
  }

  /** What the application was told, once it was. */
  async function toldTo(page: Page): Promise<unknown> {
    await page.waitForFunction('document.querySelector("#told")?.textContent !== ""', undefined, { timeout: 20_000 });
    return JSON.parse((await page.textContent("#told")) ?? "");
  }

  for (const mode of ["query", "fragment"]) {
    it(`signs in by redirect, answered in the ${mode}, renews with its refresh token, and gives it back`, async () => {
      await visit(`?mode=${mode}`, async (page) => {
        await page.click("#redirect");
        await page.waitForURL(`${application.origin}/callback**`);
        const first = user.parse(await toldTo(page));
        assert.deepEqual([first.profile.email, first.profile.name], ["kilgore@kilgore.trout", "Kilgore Trout"]);
        await page.click("#silent");
        const second = user.parse(await toldTo(page));
        assert.notEqual(second.access_token, first.access_token);
        assert.notEqual(second.refresh_token, first.refresh_token);
        await page.click("#give-back");
        assert.deepEqual(await toldTo(page), {});
        const answer = await server.newAgent().ask("/userinfo", {
          headers: { authorization: `Bearer ${second.access_token}` },
        });
        assert.equal(answer.status, 401);
      });
    });
  }

  it("signs in by popup, which tells its opener and closes", async () => {
    await visit("", async (page) => {
      const opened = page.waitForEvent("popup");
      await page.click("#popup");
      const popup = await opened;
      const { profile } = user.parse(await toldTo(page));
      assert.equal(profile.email, "kilgore@kilgore.trout");
      if (!popup.isClosed()) await popup.waitForEvent("close");
    });
  });

  it("renews in a hidden frame while the person is signed in, and hears login_required when nobody is", async () => {
    await visit("", async (page) => {
      await page.click("#frame");
      assert.deepEqual(await toldTo(page), { error: "login_required" });
      await page.click("#popup");
      const first = user.parse(await toldTo(page));
      await page.click("#frame");
      const second = user.parse(await toldTo(page));
      assert.equal(second.profile.sub, first.profile.sub);
      assert.notEqual(second.id_token, first.id_token);
    });
  });

  it("comes to a form that knows the name and speaks the language it was asked for", async () => {
    await visit("?connector=pw&login_hint=kilgore&ui_locales=de", async (page) => {
      await page.click("#redirect");
      await page.waitForSelector("#password");
      assert.equal(await page.inputValue("#login"), "kilgore");
      assert.equal(await page.getAttribute("html", "lang"), "de");
      await page.fill("#password", "trout");
      await page.click("#submit-login");
      await page.waitForURL(`${application.origin}/callback**`);
      assert.equal(user.parse(await toldTo(page)).profile.name, "Kilgore Trout");
    });
  });
});
