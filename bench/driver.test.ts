import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { drive } from "./driver.ts";
import { median, percentile } from "./numbers.ts";

const noServer = { server: () => 0, database: () => 0 };
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe("the load loop", () => {
  it("does exactly as many operations as it was asked for, whoever does them", async () => {
    let done = 0;
    const member = async (): Promise<void> => {
      await turn();
      done++;
    };
    const result = await drive([{ name: "all", members: [member, member, member] }], { operations: 100 }, noServer);
    assert.equal(done, 100);
    assert.equal(result.crews.all?.operations, 100);
    assert.equal(result.crews.all?.failures, 0);
  });

  it("counts only what ends inside the window, and leaves nothing running", async () => {
    let running = 0;
    let done = 0;
    const member = async (): Promise<void> => {
      running++;
      await turn();
      running--;
      done++;
    };
    const window = { warmUpMs: 20, measureMs: 20 };
    const { crews } = await drive([{ name: "all", members: [member, member] }], window, noServer);
    assert.equal(running, 0);
    const counted = crews.all?.operations ?? 0;
    assert.ok(counted > 0 && counted < done, `${counted} of ${done}`);
  });

  it("counts failures apart, names them, and lets a client that keeps failing go", async () => {
    let tries = 0;
    const broken = async (): Promise<void> => {
      tries++;
      throw new Error("token: 400 invalid_grant");
    };
    const result = await drive([{ name: "all", members: [broken] }], { operations: 100 }, noServer);
    assert.equal(tries, 3);
    assert.deepEqual(
      result.crews.all?.failed,
      Array.from({ length: 3 }, () => "token: 400 invalid_grant"),
    );
    assert.equal(result.crews.all?.operations, 0);
  });

  it("keeps two crews apart", async () => {
    const fine = { name: "fine", members: [turn] };
    const broken = { name: "broken", members: [() => Promise.reject(new Error("no"))] };
    const { crews } = await drive([fine, broken], { operations: 20 }, noServer);
    assert.equal(crews.fine?.operations, 17);
    assert.equal(crews.broken?.failures, 3);
  });
});

describe("numbers", () => {
  it("takes percentiles by nearest rank", () => {
    const sorted = Array.from({ length: 100 }, (_, index) => index + 1);
    assert.equal(percentile(sorted, 0.5), 50);
    assert.equal(percentile(sorted, 0.99), 99);
    assert.equal(percentile([7], 0.99), 7);
    assert.ok(Number.isNaN(percentile([], 0.5)));
  });

  it("takes the middle, or between the two middle ones", () => {
    assert.equal(median([9, 1, 5]), 5);
    assert.equal(median([4, 1, 9, 2]), 3);
    assert.ok(Number.isNaN(median([])));
  });
});
