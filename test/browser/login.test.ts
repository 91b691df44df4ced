/** A person signs in to the example application, looks around and leaves: in a real browser, against the real server. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { BrowserContextOptions, Page } from "playwright-core";
import { emailOf, missing, openStage, password, type people, type Stage } from "./stage.ts";

type Person = (typeof people)[number];

const claim = (name: string): string => `table[aria-label="ID token claims"] td[data-claim="${name}"]`;
const passwordPage = 'a[href*="/auth/local"]';
/** A button that says it itself, or one beside a hidden field, as in Dex's own pages. */
const answer = (value: string): string =>
  `button[name="approval"][value="${value}"], form:has(input[name="approval"][value="${value}"]) button`;
const approve = answer("approve");
const reject = answer("rejected");

/** Fails when a person would have to scroll sideways. */
async function fits(page: Page): Promise<void> {
  const [content, screen] = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]").then(numbers);
  assert.ok(
    content !== undefined && screen !== undefined && content <= screen,
    `${page.url()}: ${content} > ${screen}`,
  );
}

function numbers(value: unknown): readonly number[] {
  assert.ok(Array.isArray(value) && value.every((item) => typeof item === "number"));
  return value;
}

/** Presses Tab until `selector` has the focus, as somebody without a mouse does. */
async function tabTo(page: Page, selector: string): Promise<void> {
  for (let presses = 0; presses < 40; presses++) {
    await page.keyboard.press("Tab");
    if ((await page.locator(selector).and(page.locator(":focus")).count()) > 0) return;
  }
  assert.fail(`${selector} cannot be reached by keyboard on ${page.url()}`);
}

describe("a person in a browser", { skip: missing }, () => {
  let stage: Stage;
  before(async () => {
    stage = await openStage();
  });
  after(() => stage?.close());

  /** A browser of one's own for each test: no cookies of the others. */
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

  async function toPasswordForm(page: Page): Promise<void> {
    await page.click("#sign-in");
    await page.click(passwordPage);
  }

  async function typePassword(page: Page, person: Person, secret = password): Promise<void> {
    await page.fill("#login", emailOf(person));
    await page.fill("#password", secret);
    await page.click("#submit-login");
  }

  async function isSignedIn(page: Page, person: Person): Promise<void> {
    await page.waitForSelector("#who");
    assert.equal(new URL(page.url()).origin, stage.app);
    assert.equal(await page.textContent(claim("iss")), stage.issuer);
    assert.equal(await page.textContent(claim("aud")), "example-app");
    assert.equal(await page.textContent(claim("email")), emailOf(person));
    assert.match((await page.textContent(claim("exp"))) ?? "", /UTC.* in \d+ hours|UTC.* tomorrow|UTC.* in 1 day/);
  }

  it("mistypes the password, signs in, consents, refreshes, asks userinfo and signs out", async () => {
    await visit({}, async (page) => {
      await toPasswordForm(page);
      await typePassword(page, "wrong-then-right", "not the password");
      await page.waitForSelector("#login-error");
      assert.equal(await page.inputValue("#login"), emailOf("wrong-then-right"));
      assert.equal(await page.inputValue("#password"), "");
      await typePassword(page, "wrong-then-right");
      assert.match((await page.textContent("body")) ?? "", /Example App/);
      await page.click(approve);
      await isSignedIn(page, "wrong-then-right");
      assert.match((await page.textContent("#refresh-token")) ?? "", /There is one/);

      await page.click("#refresh");
      await page.waitForSelector("#refreshed");
      await isSignedIn(page, "wrong-then-right");

      await page.click("#userinfo");
      await page.waitForSelector("#userinfo-answer");
      assert.equal(await page.textContent('#userinfo-answer td[data-claim="email"]'), emailOf("wrong-then-right"));

      await page.click("#logout");
      await page.waitForSelector("#sign-in");
      assert.equal(new URL(page.url()).origin, stage.app);
      assert.equal(await page.locator("#problem").count(), 0);

      // The session at the provider is over too: the password is asked again.
      await toPasswordForm(page);
      await page.waitForSelector("#password");
    });
  });

  it("does all that without JavaScript", async () => {
    await visit({ javaScriptEnabled: false }, async (page) => {
      await toPasswordForm(page);
      await typePassword(page, "no-script");
      await page.click(approve);
      await isSignedIn(page, "no-script");
      await page.click("#logout");
      await page.waitForSelector("#sign-in");
    });
  });

  it("does it on a phone without scrolling sideways", async () => {
    const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };
    await visit(phone, async (page) => {
      await fits(page);
      await page.tap("#sign-in");
      await page.waitForSelector(passwordPage);
      await fits(page);
      await page.tap(passwordPage);
      await page.waitForSelector("#password");
      await fits(page);
      await typePassword(page, "phone");
      await page.waitForSelector(approve);
      await fits(page);
      await page.click(approve);
      await isSignedIn(page, "phone");
      await fits(page);
    });
  });

  const isOriginal = process.env.DEX_TEST_SERVER !== undefined;
  const silent =
    isOriginal && "optional: Dex answers a refusal with its own error page, so the application never hears of it";
  it("says no, and the application says so", { skip: silent }, async () => {
    await visit({}, async (page) => {
      await toPasswordForm(page);
      await typePassword(page, "refusal");
      await page.click(reject);
      assert.match((await page.textContent("#problem")) ?? "", /access_denied/);
      assert.equal(await page.locator("#who").count(), 0);
      await page.waitForSelector("#sign-in");
    });
  });

  it("does it with the keyboard alone", async () => {
    await visit({}, async (page) => {
      await tabTo(page, "#sign-in");
      await page.keyboard.press("Enter");
      await page.waitForSelector(passwordPage);
      await tabTo(page, passwordPage);
      await page.keyboard.press("Enter");
      await page.waitForSelector("#login");
      // The form may have put the cursor where it is wanted already.
      if ((await page.locator("#login:focus").count()) === 0) await tabTo(page, "#login");
      await page.keyboard.type(emailOf("keyboard"));
      await tabTo(page, "#password");
      await page.keyboard.type(password);
      await page.keyboard.press("Enter");
      await page.waitForSelector(approve);
      await tabTo(page, approve);
      await page.keyboard.press("Enter");
      await isSignedIn(page, "keyboard");
    });
  });
});
