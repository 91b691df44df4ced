/** A person signs in without typing, and looks after their factors, in a real browser: at a desk, on a phone, by keyboard. */
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

describe("passkeys in a browser", { skip: missing }, () => {
  let stage: Stage;
  before(async () => {
    stage = await openStage(
      async () => ({
        oauth2: { skipApprovalScreen: true },
        mfa: {
          authenticators: [
            { id: "passkey", type: "WebAuthn", config: { firstFactor: true } },
            { id: "app", type: "TOTP", config: { issuer: "Example" } },
          ],
        },
      }),
      "localhost",
    );
  });
  after(() => stage?.close());

  async function visit(options: BrowserContextOptions, tour: (page: Page) => Promise<void>): Promise<void> {
    const context = await stage.browser.newContext(options);
    context.setDefaultTimeout(15_000);
    try {
      await tour(await context.newPage());
    } finally {
      await context.close();
    }
  }

  async function openForm(page: Page): Promise<void> {
    await page.goto(stage.app);
    await page.click("#sign-in");
    await page.click('a[href*="/auth/local"]');
    await page.waitForSelector("#password");
  }

  async function typePassword(page: Page, person: Person): Promise<void> {
    await page.fill("#login", emailOf(person));
    await page.fill("#password", password);
    await page.click("#submit-login");
    await page.waitForSelector("#who");
  }

  const openAccount = (page: Page) => page.goto(`${stage.issuer}/account`);

  async function picture(page: Page, name: string): Promise<void> {
    const width = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
    assert.ok(typeof width === "number" && width <= 0, `${name}: ${width} pixels too wide`);
    if (pictures === undefined) return;
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.screenshot({ path: `${pictures}/${name}-${colorScheme}.png`, fullPage: true });
    }
  }

  /** Gives the person who is signed in a passkey called `name`. */
  async function add(page: Page, name: string): Promise<void> {
    await openAccount(page);
    await page.click('a[href*="/account/factor?authenticator=passkey"]');
    await page.waitForSelector("#webauthn-start:not([disabled])");
    await page.fill("#name", name);
    await page.keyboard.press("Enter");
  }

  for (const [where, person, options] of [
    ["desk", "keyboard", {}],
    ["phone", "phone", phone],
  ] as const) {
    it(`sets one up, signs in from the field's list and by the button: ${where}`, async () => {
      await visit(options, async (page) => {
        const key = await plugIn(page, "internal");
        // A question in the list answers itself as soon as there is a passkey.
        await key.touch(false);
        await openForm(page);
        await page.waitForSelector("#webauthn:not([hidden])");
        await picture(page, `password-passkey-${where}`);
        await typePassword(page, person);
        await openAccount(page);
        await picture(page, `account-no-factor-${where}`);
        await key.touch(true);
        await add(page, "My laptop");
        await page.waitForSelector("#recovery-codes li");
        await page.click("#continue");
        await page.waitForSelector("#factor-0");
        await picture(page, `account-passkey-${where}`);

        // From the field's list, where a virtual key chooses itself: nothing is typed or pressed on our page.
        await page.context().clearCookies();
        await page.goto(stage.app);
        await page.click("#sign-in");
        await page.click('a[href*="/auth/local"]');
        await page.waitForSelector("#who");
        assert.match((await page.textContent('td[data-claim="amr"]')) ?? "", /hwk.*user.*mfa/s);
        assert.match((await page.textContent("#who")) ?? "", new RegExp(person));

        await page.context().clearCookies();
        await key.touch(false);
        await openForm(page);
        await page.waitForSelector("#webauthn:not([hidden])");
        await key.touch(true);
        await page.focus("#webauthn-start");
        await page.keyboard.press("Enter");
        await page.waitForSelector("#who");
      });
    });
  }

  it("refuses a device that knows nobody, and one whose key was taken away; the password goes on", async () => {
    await visit({}, async (page) => {
      const key = await plugIn(page, "internal");
      await key.touch(false);
      await openForm(page);
      await typePassword(page, "refusal");
      await key.touch(true);
      await add(page, "Doomed");
      await page.waitForSelector("#recovery-codes li");
      await page.click("#continue");
      await page.click('form:has(input[value="remove-factor"]) button');
      await page.waitForSelector(".dex-notice");
      await page.context().clearCookies();
      await openForm(page);
      await page.waitForSelector("#passkey-refused");
      await picture(page, "passkey-refused");
      await key.verify(false);
      await page.click("#webauthn-start");
      await page.waitForSelector("#webauthn-error:not([hidden])");
      await picture(page, "passkey-failed");
      await typePassword(page, "refusal");
    });
  });

  it("names, adds and removes factors by keyboard, with what a screen reader needs", async () => {
    await visit({}, async (page) => {
      const key = await plugIn(page, "internal");
      await key.touch(false);
      await openForm(page);
      await typePassword(page, "wrong-then-right");
      await key.touch(true);
      await add(page, "First");
      await page.waitForSelector("#recovery-codes li");
      await page.click("#continue");
      await page.click('a[href*="authenticator=app"]');
      const seed = ((await page.textContent("#totp-secret")) ?? "").replaceAll(" ", "");
      await picture(page, "account-add-app");
      await page.keyboard.type(codeAt(seed, Date.now()));
      await page.keyboard.press("Enter");
      await page.waitForSelector(".dex-notice");
      const rename = page.getByText("Rename", { exact: true });
      await rename.focus();
      await page.keyboard.press("Enter");
      await page.keyboard.press("Tab");
      assert.equal(await page.evaluate("document.activeElement.labels[0].textContent"), "Name of this key");
      await picture(page, "account-renaming");
      await page.keyboard.press("ControlOrMeta+A");
      await page.keyboard.type("Desk");
      await page.keyboard.press("Enter");
      await page.waitForSelector('.dex-notice:text("new name")');
      assert.equal(await page.textContent("#factor-0"), "Desk");
      const remove = page.getByRole("button", { name: "Remove", description: "Desk" });
      assert.equal(await remove.count(), 1);
      await picture(page, "account-factors");
      await remove.press("Enter");
      await page.waitForSelector('.dex-notice:text("removed")');
      assert.equal(await page.textContent("#factor-0"), "Example");
    });
  });

  it("asks for the key on the account page, where the session proved none", async () => {
    await visit({}, async (page) => {
      const key = await plugIn(page, "internal");
      await key.touch(false);
      await openForm(page);
      await typePassword(page, "no-script");
      await key.touch(true);
      await add(page, "Mine");
      await page.waitForSelector("#recovery-codes li");
      await page.context().clearCookies();
      await key.touch(false);
      await openForm(page);
      await typePassword(page, "no-script");
      await openAccount(page);
      await page.waitForSelector("#webauthn-start:not([disabled])");
      await picture(page, "account-prove-key");
      await key.touch(true);
      await page.keyboard.press("Enter");
      await page.waitForSelector("#factor-0");
    });
    await visit({ javaScriptEnabled: false }, async (page) => {
      await openForm(page);
      assert.equal(await page.isVisible("#webauthn"), false);
      await typePassword(page, "no-script");
    });
  });
});
