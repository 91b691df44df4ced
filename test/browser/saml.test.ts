/**
 * A person signs in through SAML: the example application, our server, SimpleSAMLphp on another site (so its form comes
 * back without our cookies), and a real browser between them.
 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { BrowserContextOptions, Page } from "playwright-core";
import { noSimpleSaml, type SimpleSaml, startSimpleSaml } from "../peer/simplesaml.ts";
import { missing, openStage, type Stage } from "./stage.ts";

const claim = (name: string): string => `table[aria-label="ID token claims"] td[data-claim="${name}"]`;
const approve = 'button[name="approval"][value="approve"], form:has(input[name="approval"][value="approve"]) button';

describe("a person of a SAML identity provider", { skip: missing || noSimpleSaml }, () => {
  let stage: Stage;
  let idp: SimpleSaml;
  before(async () => {
    stage = await openStage(async (issuer) => {
      const acsUrl = `${issuer.href}/callback`;
      idp = await startSimpleSaml({ acsUrl, sloUrl: `${issuer.href}/logout/upstream/logout`, host: "localhost" });
      const common = {
        ...{ entityIssuer: "urn:test:signed-requests", redirectURI: acsUrl, privateKey: idp.sp.key },
        ...{ usernameAttr: "name", emailAttr: "email", groupsAttr: "groups", metadataURL: idp.metadataUrl },
      };
      return {
        enablePasswordDB: false,
        staticPasswords: [],
        connectors: [
          { type: "saml", id: "post", name: "By form", config: { ...common, requestBinding: "post" } },
          { type: "saml", id: "no-script", name: "By hand", config: common },
          { type: "saml", id: "logout", name: "To be left", config: common },
          { type: "saml", id: "redirect", name: "By address", config: { ...common, requestBinding: "redirect" } },
        ],
      };
    });
  });
  after(async () => {
    await stage?.close();
    await idp?.stop();
  });

  async function visit(options: BrowserContextOptions, tour: (page: Page) => Promise<void>): Promise<void> {
    const context = await stage.browser.newContext(options);
    context.setDefaultTimeout(15_000);
    try {
      const page = await context.newPage();
      await page.goto(stage.app);
      await tour(page);
    } finally {
      await context.close();
    }
  }

  async function signIn(page: Page, connector: string, press: () => Promise<void>): Promise<void> {
    await page.click("#sign-in");
    await page.click(`a[href*="/auth/${connector}"]`);
    await press();
    await page.fill("#username", "asa");
    await page.fill("#password", "bäz");
    await page.click("button[type=submit], input[type=submit], #submit_button");
    await press();
  }

  /** Each test consents anew: the person of another connector is another person. */
  async function isSignedIn(page: Page): Promise<void> {
    await page.click(approve);
    await page.waitForSelector("#who");
    assert.equal(await page.textContent(claim("email")), "asa@example.com");
    assert.equal(await page.textContent(claim("name")), `Åsa <Müller> & "Co" 'x' ]]>`);
  }

  /** Whether our session answers without asking the person: the error of an authorization request that must not ask. */
  async function silently(page: Page): Promise<string | null> {
    const query = new URLSearchParams({
      ...{ client_id: "example-app", redirect_uri: `${stage.app}/callback`, response_type: "code", scope: "openid" },
      ...{ prompt: "none", code_challenge: "a".repeat(43), code_challenge_method: "S256" },
    });
    const told = page.waitForRequest((request) => request.url().startsWith(`${stage.app}/callback`));
    await page.goto(`${stage.issuer}/auth?${query}`);
    return new URL((await told).url()).searchParams.get("error");
  }

  for (const connector of ["post", "redirect"]) {
    it(`signs in; the request goes by ${connector}`, async () => {
      await visit({}, async (page) => {
        const posts: string[] = [];
        page.on("request", (request) => {
          if (request.method() === "POST" && request.url().endsWith("/callback")) posts.push(request.postData() ?? "");
        });
        await signIn(page, connector, async () => undefined);
        await isSignedIn(page);
        // The form of another site brings no cookie of ours, so our own page posts it once more.
        assert.equal(posts.length, 2);
        const relay = new URLSearchParams(posts[0]).get("RelayState") ?? "";
        assert.ok(relay.length > 0 && relay.length <= 80, relay);
      });
    });
  }

  it("signs out here and there, and there and here", async () => {
    await visit({}, async (page) => {
      await signIn(page, "logout", async () => undefined);
      await isSignedIn(page);
      // Ours takes theirs along, and the way back leads to the application.
      await page.click("#logout");
      await page.waitForSelector("#sign-in");
      assert.equal(new URL(page.url()).origin, stage.app);

      // Both ask for the password anew.
      await signIn(page, "logout", async () => undefined);
      await page.waitForSelector("#who");
      assert.equal(await silently(page), null);
      // Theirs takes ours along.
      await page.goto(`${idp.origin}/saml2/idp/initSLO.php?RelayState=${encodeURIComponent(`${stage.app}/`)}`);
      await page.waitForURL(`${stage.app}/`);
      assert.equal(await silently(page), "login_required");
    });
  });

  it("does it without JavaScript, by pressing each form's button", async () => {
    await visit({ javaScriptEnabled: false }, async (page) => {
      await page.click("#sign-in");
      await page.click('a[href*="/auth/no-script"]');
      await page.click("#continue");
      await page.fill("#username", "asa");
      await page.fill("#password", "bäz");
      await page.click("button[type=submit], input[type=submit], #submit_button");
      await page.click("input[type=submit]:visible, button[type=submit]:visible");
      await page.click("#continue");
      await isSignedIn(page);
    });
  });
});
