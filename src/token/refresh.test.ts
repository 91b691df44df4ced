import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { millis } from "../kernel/ports.ts";
import { Secret } from "../kernel/secret.ts";
import { systemRandom } from "../kernel/system.ts";
import type { RefreshToken } from "../storage/records.ts";
import { judgeRefresh, type RefreshPolicy, type RefreshVerdict } from "./refresh-rotation.ts";
import {
  currentSecret,
  firstSecret,
  formatRefreshToken,
  isRotated,
  matchSecret,
  parseRefreshToken,
  rotateSecret,
} from "./refresh-secret.ts";

const key = Buffer.alloc(32, 7);
const policy = (change: Partial<RefreshPolicy> = {}): RefreshPolicy => ({
  disableRotation: false,
  reuseInterval: millis(0),
  absoluteLifetime: millis(0),
  validIfNotUsedFor: millis(0),
  ...change,
});

function family(token: Secret, obsolete = ""): RefreshToken {
  const claims = { userId: "u", username: "", preferredUsername: "", email: "", emailVerified: false, groups: [] };
  return {
    id: "fam",
    token,
    obsoleteToken: new Secret(obsolete),
    createdAt: 1_000,
    lastUsed: 1_000,
    clientId: "c",
    connectorId: "k",
    claims,
    scopes: [],
    nonce: "",
  };
}
const ours = (): RefreshToken => family(firstSecret(systemRandom));
const rotated = (token: RefreshToken): RefreshToken => ({ ...token, ...rotateSecret(token, key, systemRandom) });

test("Dex's wire form is ours", () => {
  assert.equal(formatRefreshToken("test", "bar"), "CgR0ZXN0EgNiYXI");
  assert.deepEqual(parseRefreshToken("CgR0ZXN0EgNiYXI"), { id: "test", secret: "bar" });
  assert.deepEqual(parseRefreshToken("not a token"), { id: "not a token", secret: "" });
});

test("the store never holds what the client holds", () => {
  const token = ours();
  assert.notEqual(token.token.reveal(), currentSecret(token, key));
  assert.equal(matchSecret(token, token.token.reveal(), key), "none");
});

test("every generation is known for what it is", () => {
  const first = ours();
  const second = rotated(first);
  const third = rotated(second);
  assert.equal(matchSecret(third, currentSecret(third, key), key), "current");
  assert.equal(matchSecret(third, currentSecret(second, key), key), "previous");
  assert.equal(matchSecret(third, currentSecret(first, key), key), "older");
  assert.equal(matchSecret(first, currentSecret(second, key), key), "none");
  assert.equal(isRotated(first), false);
  assert.equal(isRotated(third), true);
});

test("what Dex wrote is current once, then known as rotated out, then as older", () => {
  const dex = family(new Secret("clear"), "before");
  assert.equal(matchSecret(dex, "clear", key), "current");
  assert.equal(matchSecret(dex, "before", key), "dex_previous");
  const next = rotated(dex);
  assert.equal(matchSecret(next, "clear", key), "previous");
  assert.equal(matchSecret(next, "before", key), "none");
  assert.equal(matchSecret(rotated(next), "clear", key), "older");
  assert.equal(next.obsoleteToken.reveal().includes("clear"), false);
});

test("a token without a secret, as Dex's first releases wrote it, matches only the empty secret", () => {
  const legacy = family(new Secret(""));
  assert.equal(matchSecret(legacy, "", key), "current");
  assert.equal(matchSecret(legacy, "x", key), "none");
  assert.equal(matchSecret(rotated(legacy), "", key), "none");
});

test("no forged secret matches, and none makes the comparison fail", () => {
  const token = rotated(rotated(ours()));
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.nat().map((n) => `${n}.${"A".repeat(43)}`),
        fc.constant("03.x"),
      ),
      (secret) => {
        assert.equal(matchSecret(token, secret, key), "none");
      },
    ),
  );
});

test("one changed character, another family or another key: nothing matches", () => {
  const token = ours();
  const secret = currentSecret(token, key);
  for (let at = 2; at < secret.length; at++) {
    const changed = `${secret.slice(0, at)}${secret[at] === "A" ? "B" : "A"}${secret.slice(at + 1)}`;
    assert.equal(matchSecret(token, changed, key), "none", `at ${at}`);
  }
  assert.equal(matchSecret({ ...token, id: "other" }, secret, key), "none");
  assert.equal(matchSecret(token, secret, Buffer.alloc(32, 8)), "none");
});

const reuse = policy({ reuseInterval: millis(3_000) });
const table: readonly (readonly [string, RefreshPolicy, "current" | "previous", number, RefreshVerdict])[] = [
  ["rotation on, no window, current", policy(), "current", 1_000, { kind: "use", rotate: true }],
  ["rotation on, no window, previous", policy(), "previous", 1_000, { kind: "rotated_out", isOlder: false }],
  ["rotation on, in the window, current", reuse, "current", 4_000, { kind: "same_answer" }],
  ["rotation on, in the window, previous", reuse, "previous", 4_000, { kind: "same_answer" }],
  ["rotation on, after the window, current", reuse, "current", 4_001, { kind: "use", rotate: true }],
  ["rotation on, after the window, previous", reuse, "previous", 4_001, { kind: "rotated_out", isOlder: false }],
  [
    "rotation off, no window, current",
    policy({ disableRotation: true }),
    "current",
    9_000,
    { kind: "use", rotate: false },
  ],
  [
    "rotation off, in the window, previous",
    { ...reuse, disableRotation: true },
    "previous",
    2_000,
    { kind: "same_answer" },
  ],
  [
    "exactly as old as allowed",
    policy({ absoluteLifetime: millis(500) }),
    "current",
    1_500,
    { kind: "use", rotate: true },
  ],
  ["older than allowed", policy({ absoluteLifetime: millis(500) }), "current", 1_501, { kind: "expired" }],
  ["idle longer than allowed", policy({ validIfNotUsedFor: millis(500) }), "current", 1_501, { kind: "expired" }],
  ["expired beats the window", { ...reuse, absoluteLifetime: millis(10) }, "current", 2_000, { kind: "expired" }],
];
for (const [name, rules, which, now, verdict] of table) {
  test(`judges: ${name}`, () => {
    const before = ours();
    const token = rotated(before);
    const secret = currentSecret(which === "current" ? token : before, key);
    assert.deepEqual(judgeRefresh(token, secret, rules, key, now), verdict);
  });
}

test("a secret that Dex rotated out is refused and no attack", () => {
  const dex = family(new Secret("clear"), "before");
  assert.deepEqual(judgeRefresh(dex, "before", policy(), key, 9_000), { kind: "unknown" });
  assert.deepEqual(judgeRefresh(dex, "before", reuse, key, 2_000), { kind: "same_answer" });
});
