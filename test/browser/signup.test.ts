/** A person makes an account, confirms the address, logs in, forgets the password: on a dark phone, without JavaScript. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Page } from "playwright-core";
import { type FakeSmtp, fakeSmtp, linkIn } from "../fake/smtp.ts";
import { missing, openStage, type Stage } from "./stage.ts";

const shots = process.env.DEX_TEST_SHOTS;
const email = "ada@example.com";

describe("sign-up in a browser", { skip: missing }, () => {
  let stage: Stage;
  let smtp: FakeSmtp;
  before(async () => {
    smtp = await fakeSmtp();
    stage = await openStage(async () => ({
      enableSignup: true,
      mail: { from: "no-reply@example.com", host: "127.0.0.1", port: smtp.port, tls: "none" },
    }));
  });
  after(async () => {
    await stage?.close();
    await smtp?.close();
  });

  /** Fits the screen. WCAG 1.4.10. */
  async function fits(page: Page, name: string): Promise<void> {
    if (shots !== undefined) await page.screenshot({ path: `${shots}/${name}.png`, fullPage: true });
    const isWide = await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth");
    assert.equal(isWide, false, name);
  }

  async function logIn(page: Page, password: string): Promise<void> {
    await page.fill("#login", email);
    await page.fill("#password", password);
    await page.click("#submit-login");
    await page.waitForSelector('button[value="approve"], #who');
    if ((await page.locator('button[value="approve"]').count()) > 0) await page.click('button[value="approve"]');
    await page.waitForSelector("#who");
  }

  async function toLocalLogin(page: Page): Promise<void> {
    await page.goto(stage.app);
    await page.click("#sign-in");
    await page.click('a[href*="/auth/local"]');
  }

  it("goes from the login to an account, to a confirmed address, and into the application", async () => {
    const context = await stage.browser.newContext({
      viewport: { width: 360, height: 740 },
      isMobile: true,
      hasTouch: true,
      colorScheme: "dark",
      javaScriptEnabled: false,
    });
    context.setDefaultTimeout(15_000);
    const page = await context.newPage();
    await toLocalLogin(page);
    await fits(page, "signup-login");
    await page.click('a[href*="/signup"]');
    await fits(page, "signup-form");
    // The keyboard alone: field by field, and Enter sends.
    await page.focus("#email");
    await page.keyboard.type(email);
    await page.keyboard.press("Tab");
    await page.keyboard.type("Ada Lovelace");
    await page.keyboard.press("Tab");
    await page.keyboard.type("correct horse");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#login");
    await logIn(page, "correct horse");

    await page.goto(`${stage.issuer}/account`);
    assert.match((await page.textContent("body")) ?? "", /This address is not confirmed yet/);
    await fits(page, "signup-account");
    await page.goto(linkIn(await smtp.next(email)));
    await fits(page, "signup-verify");
    await page.click("#submit-self");
    assert.match((await page.textContent("h1")) ?? "", /Your address is confirmed/);
    await fits(page, "signup-verified");
    await page.goto(`${stage.issuer}/account`);
    assert.doesNotMatch((await page.textContent("body")) ?? "", /This address is not confirmed yet/);
    await page.click("#change-password");
    await fits(page, "signup-change-password");
    await context.close();

    const other = await stage.browser.newContext({ viewport: { width: 1000, height: 800 } });
    other.setDefaultTimeout(15_000);
    const forgetful = await other.newPage();
    await toLocalLogin(forgetful);
    await forgetful.click("#forgot");
    await forgetful.fill("#email", email);
    await fits(forgetful, "signup-forgot");
    const count = smtp.mails.length;
    await forgetful.click("#submit-self");
    await fits(forgetful, "signup-mailed");
    await forgetful.goto(linkIn(await smtp.next(email, count)));
    await forgetful.fill("#password", "another horse");
    await fits(forgetful, "signup-reset");
    await forgetful.click("#submit-self");
    await forgetful.click("#continue");
    await logIn(forgetful, "another horse");
    await other.close();
  });
});
