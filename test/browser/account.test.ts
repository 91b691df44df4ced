/** A person looks after their sessions: on a phone, with the keyboard alone, in the dark, without JavaScript. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { z } from "zod";
import { emailOf, missing, openStage, password, type Stage } from "./stage.ts";

const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };
const shots = process.env.DEX_TEST_SHOTS;

describe("the account and logout pages in a browser", { skip: missing }, () => {
  let stage: Stage;
  before(async () => {
    stage = await openStage();
  });
  after(() => stage?.close());

  async function signedIn(
    options: BrowserContextOptions,
  ): Promise<{ readonly context: BrowserContext; readonly page: Page }> {
    const context = await stage.browser.newContext(options);
    context.setDefaultTimeout(15_000);
    const page = await context.newPage();
    await page.goto(stage.app);
    await page.click("#sign-in");
    await page.click('a[href*="/auth/local"]');
    await page.fill("#login", emailOf("phone"));
    await page.fill("#password", password);
    await page.click("#submit-login");
    await page.waitForSelector('button[value="approve"], #who');
    if ((await page.locator('button[value="approve"]').count()) > 0) await page.click('button[value="approve"]');
    await page.waitForSelector("#who");
    return { context, page };
  }

  /** Fits the screen, and every control is big enough for a finger. WCAG 1.4.10, 2.5.8. */
  async function fits(page: Page, name: string): Promise<void> {
    if (shots !== undefined) await page.screenshot({ path: `${shots}/${name}.png`, fullPage: true });
    const wide = await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth");
    const heights = await page.evaluate(
      "[...document.querySelectorAll('a.dex-btn, button')].map((each) => each.getBoundingClientRect().height)",
    );
    const small = z
      .array(z.number())
      .parse(heights)
      .filter((height) => height < 24).length;
    assert.deepEqual({ wide, small }, { wide: false, small: 0 }, name);
  }

  it("fit a phone, in the dark too, and work without JavaScript", async () => {
    const other = await signedIn({ ...phone, colorScheme: "light" });
    const { context, page } = await signedIn({ ...phone, colorScheme: "dark", javaScriptEnabled: true });
    const plain = await stage.browser.newContext({ ...phone, colorScheme: "dark", javaScriptEnabled: false });
    try {
      await fits(await goTo(page, `${stage.issuer}`), "home-phone-dark");
      await fits(await goTo(page, `${stage.issuer}/account`), "account-phone-dark");
      assert.match((await page.textContent("body")) ?? "", /This browser/);
      await plain.addCookies(await context.cookies());
      const still = await plain.newPage();
      still.setDefaultTimeout(15_000);
      await still.goto(`${stage.issuer}/account`);
      await still.click('button:has-text("Log out everywhere else")');
      assert.match((await still.textContent('[role="status"]')) ?? "", /All other sessions have ended/);
      await still.click('button:has-text("Withdraw")');
      assert.match((await still.textContent('[role="status"]')) ?? "", /withdrawn/);
      await other.page.goto(`${stage.issuer}/account`);
      assert.match((await other.page.textContent("body")) ?? "", /You are not logged in/);
      await fits(await goTo(page, `${stage.issuer}/logout`), "logout-phone-dark");
      await page.tap('button[type="submit"]');
      await page.waitForSelector(".dex-result");
      await fits(page, "logged-out-phone-dark");
      assert.match((await page.textContent("body")) ?? "", /Log out there yourself:\s*Example App/);
    } finally {
      await Promise.all([context.close(), other.context.close(), plain.close()]);
    }
  });

  it("are reached and left with the keyboard alone", async () => {
    const { context, page } = await signedIn({ viewport: { width: 1280, height: 900 } });
    try {
      await page.goto(`${stage.issuer}/account`);
      await fits(page, "account-desktop");
      await tabUntil(page, "a.dex-btn");
      await page.keyboard.press("Enter");
      await page.waitForURL(/\/logout$/);
      await tabUntil(page, 'button[type="submit"]');
      await page.keyboard.press("Enter");
      await page.waitForSelector(".dex-result");
      await page.goto(`${stage.issuer}/account`);
      assert.match((await page.textContent("body")) ?? "", /You are not logged in/);
    } finally {
      await context.close();
    }
  });
});

async function goTo(page: Page, url: string): Promise<Page> {
  await page.goto(url);
  return page;
}

async function tabUntil(page: Page, selector: string): Promise<void> {
  for (let press = 0; press < 20; press++) {
    await page.keyboard.press("Tab");
    if ((await page.locator(`${selector}:focus`).count()) > 0) return;
  }
  throw new Error(`${selector} is not reached by Tab`);
}
