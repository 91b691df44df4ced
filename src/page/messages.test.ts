import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { destinationOf } from "./destination.ts";
import { html } from "./html.ts";
import { refusalsEn } from "./messages/refusals-en.ts";
import { catalogues, defaultLocale, type Locale, wordsOf } from "./messages.ts";
import { describeScopes } from "./scope-description.ts";

const placeholders = (sentence: string): readonly string[] => [...new Set(sentence.match(/\{[^{}]*\}/g) ?? [])].sort();

test("every catalogue says every sentence with the same placeholders", () => {
  const model = Object.entries(catalogues[defaultLocale]);
  for (const [locale, catalogue] of Object.entries(catalogues)) {
    const sentences = new Map<string, string>(Object.entries(catalogue));
    assert.equal(sentences.size, model.length, locale);
    for (const [key, sentence] of model) {
      assert.match(sentence.replace(/\{[a-z]+\}/gi, ""), /^[^{}]*$/, `${locale} ${key}: a lone brace`);
      assert.deepEqual(placeholders(sentences.get(key) ?? ""), placeholders(sentence), `${locale} ${key}`);
      assert.notEqual(sentences.get(key), "", `${locale} ${key}`);
    }
  }
});

test("no sentence of another language was left in English", () => {
  const model = new Map<string, string>(Object.entries(catalogues.en));
  for (const locale of ["de", "es", "fr"] as const) {
    const same = Object.entries<string>(catalogues[locale]).filter(([key, text]) => model.get(key) === text);
    // Single words may be the same in both, "Code" and "Browser".
    const untranslated = same.filter(([, text]) => text.split(" ").length > 2);
    assert.deepEqual(untranslated, [], locale);
  }
});

test("a sentence takes plain values as text and markup as markup", () => {
  for (const locale of Object.keys(catalogues) as Locale[]) {
    const words = wordsOf(locale);
    assert.match(words.text("login.title", { issuer: "<b>{issuer}" }), /<b>\{issuer\}/);
    assert.match(String(words.rich("login.title", { issuer: "<b>" })), /&lt;b&gt;/);
    assert.match(String(words.rich("login.title", { issuer: html`<b></b>` })), /<b><\/b>/);
  }
});

test("scopes are described once each, in a fixed order, the lasting one last", () => {
  const words = wordsOf("en");
  const described = describeScopes(
    words,
    ["offline_access", "x", "email", "openid", "email", "audience:server:client_id:__proto__", "audience", "other"],
    new Map(),
  );
  assert.deepEqual(
    described.map(({ summary }) => String(summary)),
    [
      "Recognise you",
      "See your email address",
      "Use your login with <bdi>__proto__</bdi>",
      "Use “<bdi>x</bdi>”",
      "Use “<bdi>audience</bdi>”",
      "Use “<bdi>other</bdi>”",
      "Stay connected",
    ],
  );
});

test("a destination is told from the redirect URI", () => {
  assert.deepEqual(destinationOf("https://app.example.com:8443/cb"), { kind: "site", host: "app.example.com:8443" });
  assert.deepEqual(destinationOf("https://аpple.example/cb"), { kind: "site", host: "xn--pple-43d.example" });
  assert.deepEqual(destinationOf("https://good.example@evil.example/"), { kind: "site", host: "evil.example" });
  for (const uri of ["http://localhost:1/", "http://127.0.0.1/cb", "http://[::1]:9/"])
    assert.deepEqual(destinationOf(uri), { kind: "loopback" });
  assert.deepEqual(destinationOf("com.example.app:/cb"), { kind: "app", scheme: "com.example.app:" });
  assert.deepEqual(destinationOf("urn:ietf:wg:oauth:2.0:oob"), { kind: "code" });
  assert.deepEqual(destinationOf("/dex/device/callback"), { kind: "device" });
  assert.deepEqual(destinationOf("cb"), { kind: "unknown" });
  assert.deepEqual(destinationOf("http://localhost.evil.example/"), { kind: "site", host: "localhost.evil.example" });
});

test("no refusal is in the catalogues that nothing says", () => {
  const root = join(import.meta.dirname, "..");
  const code = globSync("**/*.ts", { cwd: root, exclude: ["page/messages/**"] })
    .filter((file) => !file.endsWith(".test.ts"))
    .map((file) => readFileSync(join(root, file), "utf8"))
    .join("\n");
  assert.deepEqual(
    Object.keys(refusalsEn).filter((key) => !code.includes(`"${key}"`)),
    [],
  );
});

test("a moment is told as the language tells it, in UTC, and to programs alike", () => {
  const moment = Date.UTC(2026, 6, 5, 9, 5, 59, 999);
  assert.deepEqual(
    (["en", "de", "es", "fr"] as const).map((locale) => String(wordsOf(locale).time(moment))),
    ["05 Jul 2026, 09:05 UTC", "05. Juli 2026, 09:05 UTC", "05 jul 2026, 09:05 UTC", "05 juil. 2026, 09:05 UTC"].map(
      (text) => `<time datetime="2026-07-05T09:05:59Z">${text}</time>`,
    ),
  );
  assert.match(String(wordsOf("en").time(0)), /01 Jan 1970, 00:00 UTC/);
});
