import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { deviceName } from "./device-name.ts";

const known: readonly (readonly [string, string])[] = [
  ["Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox · Linux"],
  [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36",
    "Chrome · Windows",
  ],
  [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0",
    "Edge · Windows",
  ],
  [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
    "Safari · iPhone",
  ],
  [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
    "Safari · macOS",
  ],
  [
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36",
    "Chrome · Android",
  ],
  ["curl/8.14.1", "curl"],
  ["something else", ""],
  ["", ""],
];

for (const [userAgent, name] of known) {
  test(`${JSON.stringify(userAgent.slice(0, 60))} is ${JSON.stringify(name)}`, () =>
    assert.equal(deviceName(userAgent), name));
}

test("whatever a browser calls itself, the name is one of ours, and found fast", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 2048, unit: "binary" }), (text) => {
      assert.ok(deviceName(text).length < 40);
    }),
  );
});

for (const [what, text] of [
  ["one version without an end", `Version/${"1".repeat(200_000)}`],
  ["versions without a Safari", "Version/1 ".repeat(20_000)],
] as const) {
  test(`${what} takes no time`, () => {
    const began = process.cpuUsage();
    assert.equal(deviceName(text), "");
    const { user } = process.cpuUsage(began);
    assert.ok(user < 500_000, `${user} microseconds`);
  });
}
