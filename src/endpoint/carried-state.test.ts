import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { carryState, dropState, wholeState } from "./carried-state.ts";

const place = { issuer: "https://dex.example.com/dex", issuerPath: "/dex" };
const handleOf = (index: number): string => `${index}`.padStart(22, "h");

/** What a browser holds after these `Set-Cookie` values: it drops what is too long. RFC 6265bis §5.6. */
function keep(cookies: Readonly<Record<string, string>>, set: readonly string[]): Record<string, string> {
  const jar = new Map(Object.entries(cookies));
  for (const text of set) {
    const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(text) ?? [];
    if (text.includes("Max-Age=0")) jar.delete(name);
    else if (name.length + value.length <= 4096) jar.set(name, value);
  }
  return Object.fromEntries(jar);
}

describe("a carried state", () => {
  it("of any length that we seal comes back whole", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 * 3_800 }), (length) => {
        const sealed = `1.${"x".repeat(length)}`.slice(0, length);
        const cookies = keep({}, carryState({ handle: handleOf(1), sealed }, { cookies: {} }, place, 60));
        assert.equal(wholeState(handleOf(1), { cookies }), sealed);
        assert.deepEqual(keep(cookies, dropState(handleOf(1), { cookies }, place)), {});
      }),
    );
  });

  it("is bound to our path, and out of reach of scripts and other sites", () => {
    const [cookie] = carryState({ handle: handleOf(1), sealed: "1.x" }, { cookies: {} }, place, 60);
    assert.equal(cookie, `dex_state_${handleOf(1)}=1.x; Path=/dex; Max-Age=60; HttpOnly; Secure; SameSite=Lax`);
  });

  it("takes the place of the oldest when a browser has many", () => {
    let cookies: Record<string, string> = { other: "neighbour" };
    for (let index = 0; index < 20; index++) {
      const sealed = "x".repeat(index % 2 === 0 ? 500 : 5_000);
      cookies = keep(cookies, carryState({ handle: handleOf(index), sealed }, { cookies }, place, 60));
      assert.equal(wholeState(handleOf(index), { cookies }), sealed);
    }
    const kept = Array.from({ length: 20 }, (_, index) => index).filter(
      (index) => wholeState(handleOf(index), { cookies }) !== undefined,
    );
    assert.deepEqual(kept, [16, 17, 18, 19]);
    assert.equal(cookies.other, "neighbour");
  });

  it("costs no more than its request has cookies, and drops a few of them", () => {
    const cookies = Object.fromEntries(
      Array.from({ length: 6_000 }, (_, index) => [`dex_state_${handleOf(index)}`, "x"]),
    );
    const began = process.cpuUsage();
    const set = carryState({ handle: handleOf(6_001), sealed: "1.x" }, { cookies }, place, 60);
    const { user } = process.cpuUsage(began);
    assert.ok(user < 1_000_000, `${user} microseconds`);
    assert.ok(set.length <= 33);
  });

  it("that would be longer than cookies can be is refused, not cut", () => {
    const sealed = "x".repeat(4 * 3_800 + 1);
    assert.throws(() => carryState({ handle: handleOf(1), sealed }, { cookies: {} }, place, 60), { status: 413 });
  });

  it("that stayed elsewhere is undefined; one that is no handle is itself", () => {
    assert.equal(wholeState(handleOf(1), { cookies: {} }), undefined);
    assert.equal(wholeState("1.sealed", { cookies: {} }), "1.sealed");
  });
});
