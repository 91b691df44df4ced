/** A person sets up and uses an app and a security key in a real browser: by mouse, by keyboard, on a phone. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { BrowserContextOptions, Page } from "playwright-core";
import { codeAt } from "../spec/mfa.ts";
import { emailOf, missing, openStage, password, type people, type Stage } from "./stage.ts";
import { plugIn } from "./virtual-key.ts";

type Person = (typeof people)[number];

/** Where to keep what the pages look like, for whoever wants to see them. */
const pictures = process.env.DEX_TEST_PICTURES;
const phone: BrowserContextOptions = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };

describe("second factors in a browser", { skip: missing }, () => {
  let apps: Stage;
  let keys: Stage;
  before(async () => {
    apps = await openStage(async () => ({
      mfa: {
        authenticators: [{ id: "totp", type: "TOTP", config: { issuer: "Example" } }],
        defaultMFAChain: ["totp"],
      },
    }));
    keys = await openStage(
      async () => ({
        mfa: { authenticators: [{ id: "key", type: "WebAuthn", config: {} }], defaultMFAChain: ["key"] },
      }),
      "localhost",
    );
  });
  after(async () => {
    await apps?.close();
    await keys?.close();
  });

  async function visit(
    stage: Stage,
    options: BrowserContextOptions,
    tour: (page: Page) => Promise<void>,
  ): Promise<void> {
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

  async function typePassword(page: Page, person: Person): Promise<void> {
    await page.goto(new URL(page.url()).origin);
    await page.click("#sign-in");
    await page.click('a[href*="/auth/local"]');
    await page.fill("#login", emailOf(person));
    await page.fill("#password", password);
    await page.click("#submit-login");
  }

  async function consent(page: Page): Promise<void> {
    await page.click('button[name="approval"][value="approve"]');
    await page.waitForSelector("#who");
  }

  async function picture(page: Page, name: string): Promise<void> {
    const width = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
    assert.ok(typeof width === "number" && width <= 0, `${name}: ${width} pixels too wide`);
    if (pictures !== undefined) await page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });
  }

  for (const [where, person, options] of [
    ["desk", "keyboard", {}],
    ["phone", "phone", phone],
  ] as const) {
    it(`sets up an app, keeps the codes, and types one next time: ${where}`, async () => {
      let seed = "";
      await visit(apps, options, async (page) => {
        await typePassword(page, person);
        await page.waitForSelector("#totp-secret");
        assert.equal(await page.evaluate("document.querySelector('.dex-qr img').naturalWidth > 0"), true);
        await picture(page, `totp-set-up-${where}`);
        seed = ((await page.textContent("#totp-secret")) ?? "").replaceAll(" ", "");
        await page.keyboard.type("000000");
        await page.keyboard.press("Enter");
        await page.waitForSelector("#login-error");
        await picture(page, `totp-refused-${where}`);
        await page.keyboard.type(codeAt(seed, Date.now()));
        await page.keyboard.press("Enter");
        await page.waitForSelector("#recovery-codes");
        assert.equal(await page.locator("#recovery-codes li").count(), 10);
        await picture(page, `recovery-codes-${where}`);
        await page.click("#continue");
        await consent(page);
        // The session spares the second login its code.
        await page.goto(apps.app);
      });
      await visit(apps, options, async (page) => {
        await typePassword(page, person);
        await page.waitForSelector("#totp");
        assert.equal(await page.locator("#totp-secret").count(), 0);
        await picture(page, `totp-${where}`);
        // The step of setting up is spent; the next one is early, and counts.
        await page.keyboard.type(codeAt(seed, Date.now() + 30_000));
        await page.keyboard.press("Enter");
        await page.waitForSelector("#who");
      });
    });
  }

  it("registers a key, uses it next time, and another key does not do", async () => {
    const person = "refusal";
    await visit(keys, {}, async (page) => {
      const key = await plugIn(page);
      await typePassword(page, person);
      await page.waitForSelector("#webauthn-start:not([disabled])");
      await picture(page, "webauthn-set-up");
      await page.keyboard.press("Enter");
      await page.waitForSelector("#recovery-codes");
      await page.click("#continue");
      await consent(page);
      const credentials = await key.credentials();
      await page.context().clearCookies();
      await typePassword(page, person);
      await page.waitForSelector("#webauthn-start:not([disabled])");
      await picture(page, "webauthn");
      await page.click("#webauthn-start");
      await page.waitForSelector("#who");
      assert.match((await page.textContent('td[data-claim="amr"]')) ?? "", /hwk.*mfa/s);
      // A copy of the key as it was: its counter is behind.
      await page.context().clearCookies();
      await key.replaceBy(credentials);
      await typePassword(page, person);
      await page.click("#webauthn-start:not([disabled])");
      await page.waitForSelector("#webauthn-error:not([hidden])");
      await picture(page, "webauthn-refused");
    });
    await visit(keys, phone, async (page) => {
      await plugIn(page);
      await typePassword(page, person);
      await page.click("#webauthn-start:not([disabled])");
      await page.waitForSelector("#webauthn-error:not([hidden])");
      await picture(page, "webauthn-refused-phone");
    });
  });

  it("says what it takes where no script runs", async () => {
    await visit(keys, { javaScriptEnabled: false }, async (page) => {
      await typePassword(page, "no-script");
      assert.ok(await page.isVisible("#webauthn-unable"));
      assert.ok(await page.isDisabled("#webauthn-start"));
    });
  });
});
