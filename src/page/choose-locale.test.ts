import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { chooseLocale } from "./choose-locale.ts";
import { catalogues } from "./messages.ts";

const cases: readonly (readonly [ui: string, accept: string | undefined, expected: string])[] = [
  ["", undefined, "en"],
  ["", "", "en"],
  ["de", undefined, "de"],
  ["fr-CA", undefined, "fr"],
  ["fr-CA fr en", undefined, "fr"],
  ["xx es", undefined, "es"],
  ["DE_at", undefined, "de"],
  ["zh-Hant-TW", "fr", "fr"],
  ["en", "de", "en"],
  ["", "de", "de"],
  ["", "en;q=0.1, de;q=0.9", "de"],
  ["", "it, es;q=0.5, fr;q=0.5", "es"],
  ["", "de;q=0, fr", "fr"],
  ["", "de;q=0", "en"],
  ["", "*", "en"],
  ["", "*, de;q=0.1", "de"],
  ["", "de-CH-1996 ; q=0.7 , fr;q=0.6", "de"],
  ["", "de;q=abc, fr", "fr"],
  ["", "d e, fr", "fr"],
  ["constructor __proto__", "toString", "en"],
];
for (const [ui, accept, expected] of cases) {
  test(`ui_locales "${ui}", Accept-Language ${accept ?? "none"}: ${expected}`, () =>
    assert.equal(chooseLocale(ui === "" ? [] : ui.split(" "), accept), expected));
}

test("whatever is asked for, the answer is a language that we speak", () => {
  fc.assert(
    fc.property(fc.array(fc.string()), fc.string(), (ui, accept) => {
      assert.ok(Object.hasOwn(catalogues, chooseLocale(ui, accept)));
    }),
  );
});

test("a flood of wishes costs nothing", () => {
  const before = process.cpuUsage();
  chooseLocale([], "xx-".repeat(20_000));
  chooseLocale(["x-".repeat(20_000)], "xx,".repeat(20_000));
  assert.ok(process.cpuUsage(before).user < 100_000);
});
