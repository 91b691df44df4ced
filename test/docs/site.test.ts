/** `make site`: complete, without dead links, nothing from elsewhere, and usable with the keyboard and in the dark. */
import assert from "node:assert/strict";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { writeSite } from "../../scripts/site/build.ts";
import { renderPage } from "../../scripts/site/render-page.ts";
import { findProgram, missing } from "../peer/peer.ts";

const folder = mkdtempSync(join(tmpdir(), "dex-site-"));
after(() => rmSync(folder, { recursive: true }));
const pages = writeSite(folder);
const read = (path: string): string => readFileSync(join(folder, path), "utf8");

test("no link inside leads nowhere", () => {
  const dead: string[] = [];
  let links = 0;
  for (const { path } of pages) {
    for (const [, href = ""] of read(path).matchAll(/ (?:href|src)="([^"]*)"/g)) {
      if (/^[a-z]+:/.test(href)) continue;
      links++;
      const [file = "", fragment] = decodeURI(href).split("#");
      const target = file === "" ? path : posix.normalize(posix.join(posix.dirname(path), file));
      const isThere = existsSync(join(folder, target)) && !target.endsWith("/");
      if (
        !isThere ||
        (fragment !== undefined && target.endsWith(".html") && !read(target).includes(` id="${fragment}"`))
      )
        dead.push(`${path}: ${href}`);
    }
  }
  assert.deepEqual(dead, []);
  assert.ok(links > 1000);
});

test("every page can be reached from the first one", () => {
  const home = read("index.html");
  const hidden = pages.map(({ path }) => path).filter((path) => !home.includes(`href="${path}"`));
  assert.deepEqual(hidden, []);
});

test("nothing is loaded from elsewhere", () => {
  for (const file of globSync("**/*.{html,css}", { cwd: folder })) {
    assert.doesNotMatch(read(file), /<(script|link|img|iframe)[^>]* (src|href)="(https?:)?\/\/|@import|url\(/, file);
  }
});

test("text of a page stays text", () => {
  const source = '# A <b>\n\n[x](javascript:1 "t") `<i>`\n\n```sh\n</code><script>\n```\n\n## A\n\n## A\n';
  const { html, headings, texts } = renderPage("a.html", source, (href) => href);
  assert.ok(!html.includes("<script>") && !html.includes("<i>"));
  assert.equal(new Set(headings.map(({ id }) => id)).size, 3);
  assert.ok(texts.some(({ text }) => text.includes("<i>")));
});

test("a reader searches with the keyboard, and reads without JavaScript", {
  skip: missing({ chromium: "chromium" }),
}, async (t) => {
  const browser = await chromium.launch({ executablePath: findProgram("chromium") ?? "", args: ["--no-sandbox"] });
  t.after(() => browser.close());
  const at = (path: string): string => pathToFileURL(join(folder, path)).href;
  const page = await browser.newPage({ colorScheme: "dark" });
  await page.goto(at("guide/container.html"));
  const [back] = await page.evaluate<number[]>(
    "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)",
  );
  assert.ok((back ?? 255) < 64, "dark");
  await page.keyboard.press("/");
  await page.keyboard.type("sessions logout");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.waitForURL(/sessions-and-logout\.html/);
  const bare = await browser.newPage({ javaScriptEnabled: false, viewport: { width: 1400, height: 900 } });
  await bare.goto(at("index.html"));
  assert.equal(await bare.locator("#search").isVisible(), false);
  assert.equal(await bare.locator("nav[aria-label=Pages] a").first().isVisible(), true);
  const narrow = await browser.newPage({ viewport: { width: 360, height: 700 } });
  await narrow.goto(at("reference/differences-from-dex.html"));
  assert.equal(await narrow.evaluate<boolean>("document.documentElement.scrollWidth <= innerWidth"), true);
});
