/** An application asks the frame whether its person is still logged in. OIDC Session Management §3. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Browser, chromium, type Page } from "playwright-core";
import { type LoopbackServer, loopbackServer } from "../fake/loopback-server.ts";
import { freePort } from "../peer/peer.ts";
import { mockConnector, type ServerUnderTest, startServerUnderTest } from "../spec/server-under-test.ts";
import { missing } from "./stage.ts";

/** Asks the frame as a relying party would, and writes the last answer into its title. */
const asking = (issuer: string): string => `<!DOCTYPE html><title>nothing yet</title>
<iframe id="op" src="${issuer}/session/check"></iframe>
<script>
  const told = new URLSearchParams(location.search).get("session_state");
  window.ask = (text = "app " + told) => new Promise((resolve) => {
    window.addEventListener("message", (message) => {
      if (message.origin === ${JSON.stringify(new URL(issuer).origin)}) resolve(message.data);
    }, { once: true });
    document.getElementById("op").contentWindow.postMessage(text, ${JSON.stringify(new URL(issuer).origin)});
  });
</script>`;

describe("the frame of session management", { skip: missing }, () => {
  let server: ServerUnderTest;
  let application: LoopbackServer;
  let browser: Browser;
  let issuer: string;

  before(async () => {
    const port = await freePort();
    issuer = `http://127.0.0.1:${port}/dex`;
    application = await loopbackServer((_, response) => {
      response.writeHead(200, { "content-type": "text/html" }).end(asking(issuer));
    });
    server = await startServerUnderTest(
      {
        issuer,
        web: { http: `127.0.0.1:${port}` },
        sessions: { checkSessionIframe: true },
        connectors: [mockConnector],
        staticClients: [{ id: "app", name: "App", secret: "s", redirectURIs: [`${application.url}/cb`] }],
      },
      { sessions: true },
    );
    browser = await chromium.launch({
      executablePath: "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"],
    });
  });
  after(async () => {
    await browser?.close();
    await Promise.all([server?.close(), application?.close()]);
  });

  const ask = (page: Page, text?: string): Promise<unknown> =>
    page.evaluate(text === undefined ? "window.ask()" : `window.ask(${JSON.stringify(text)})`);

  it("says unchanged while the login lasts, changed after the logout, and error to what is no question", async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    const query = new URLSearchParams({
      client_id: "app",
      redirect_uri: `${application.url}/cb`,
      response_type: "code",
      scope: "openid",
    });
    await page.goto(`${issuer}/auth?${query}`);
    await page.waitForURL(`${application.url}/cb?**`);
    await page.waitForLoadState("load");
    const told = new URL(page.url()).searchParams.get("session_state");
    assert.equal(await ask(page), "unchanged");
    assert.equal(await ask(page, `other ${told}`), "changed", "another client's state is another");
    for (const text of ["", "app", "app nosalt", " x.y"]) assert.equal(await ask(page, text), "error", text);
    const other = await context.newPage();
    await other.goto(`${issuer}/logout`);
    await other.click('button[type="submit"]');
    await other.waitForSelector(".dex-result");
    assert.equal(await ask(page), "changed");
    await context.close();
  });
});
