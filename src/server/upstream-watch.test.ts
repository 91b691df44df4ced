import assert from "node:assert/strict";
import { test } from "node:test";
import { handClock } from "../../test/fake/hand-clock.ts";
import { BadAnswerError, UnavailableError } from "../kernel/errors.ts";
import { levels } from "../kernel/log-level.ts";
import { createLogger } from "../kernel/logger.ts";
import { systemRandom } from "../kernel/system.ts";
import { watched, watchUpstream } from "./upstream-watch.ts";

/** An upstream that answers, refuses or hangs as told, and what is asked of it. */
function aWatch() {
  const clock = handClock();
  const closing = new AbortController();
  const lines: string[] = [];
  const changes: boolean[] = [];
  const upstream = { answer: "answers" as "answers" | "refuses" | "hangs", asked: 0, atOnce: 0, mostAtOnce: 0 };
  const logger = createLogger({
    level: levels.info,
    format: "text",
    excludeFields: [],
    clock,
    write: (line) => void lines.push(line),
  });
  const watch = watchUpstream(
    async (signal) => {
      upstream.asked += 1;
      upstream.atOnce += 1;
      upstream.mostAtOnce = Math.max(upstream.mostAtOnce, upstream.atOnce);
      try {
        await new Promise(setImmediate);
        if (upstream.answer === "refuses") throw new UnavailableError("up", "connection refused");
        if (upstream.answer === "hangs") await new Promise((_, reject) => signal.addEventListener("abort", reject));
      } finally {
        upstream.atOnce -= 1;
      }
    },
    { clock, random: systemRandom, logger, closing: closing.signal, changed: (isAway) => void changes.push(isAway) },
  );
  return { clock, watch, upstream, lines, changes, close: () => closing.abort() };
}

test("nobody looks, and nothing is asked", async () => {
  const { clock, upstream } = aWatch();
  await clock.advance(3_600_000);
  assert.equal(upstream.asked, 0);
});

test("however many look, it is asked once, and again half a minute later", async () => {
  const { clock, watch, upstream } = aWatch();
  for (let person = 0; person < 100; person++) watch.glance();
  await clock.asleep(0);
  assert.equal(upstream.asked, 1);
  await clock.advance(29_999);
  watch.glance();
  await clock.asleep(0);
  assert.equal(upstream.asked, 1);
  await clock.advance(1);
  watch.glance();
  await clock.asleep(0);
  assert.equal(upstream.asked, 2);
  assert.equal(watch.isAway, false);
});

test("one lost answer is nothing; two make it away, until it answers", async () => {
  const { clock, watch, upstream, lines, changes } = aWatch();
  upstream.answer = "refuses";
  watch.glance();
  await clock.asleep(1);
  assert.equal(watch.isAway, false);
  await clock.advance(1_000, 1);
  assert.equal(watch.isAway, true);
  assert.match(lines.join(""), /level=WARN msg="the upstream does not answer" err="connection refused"\n$/);
  const before = upstream.asked;
  await clock.advance(3_600_000, 1);
  const inAnHour = upstream.asked - before;
  assert.ok(inAnHour >= 120 && inAnHour <= 250, `every 15 to 30 seconds, and it was ${inAnHour} times`);
  assert.equal(lines.length, 1, "said once");
  upstream.answer = "answers";
  await clock.advance(30_000);
  assert.equal(watch.isAway, false);
  assert.match(lines.at(-1) ?? "", /msg="the upstream answers again"/);
  assert.deepEqual(changes, [true, false]);
  assert.equal(upstream.mostAtOnce, 1);
});

test("a call that failed and a question that fails suffice", async () => {
  const { clock, watch, upstream, close } = aWatch();
  upstream.answer = "refuses";
  watch.doubt();
  await clock.asleep(1);
  assert.equal(watch.isAway, true);
  close();
});

test("calls that fail say nothing while the upstream answers, and do not have it asked more than once a second", async () => {
  const { clock, watch, upstream } = aWatch();
  for (let turn = 0; turn < 100; turn++) {
    watch.doubt();
    await clock.advance(50);
    assert.equal(watch.isAway, false);
  }
  assert.ok(upstream.asked >= 4 && upstream.asked <= 6, String(upstream.asked));
});

test("one that hangs is given five seconds", async () => {
  const { clock, watch, upstream, lines, close } = aWatch();
  upstream.answer = "hangs";
  watch.doubt();
  await clock.advance(4_999, 1);
  assert.equal(watch.isAway, false);
  await clock.advance(1, 1);
  assert.equal(watch.isAway, true);
  assert.match(lines.join(""), /no answer within 5 s/);
  for (let turn = 0; turn < 20; turn++) {
    watch.glance();
    watch.doubt();
    await clock.advance(1_000, 1);
  }
  assert.equal(upstream.mostAtOnce, 1);
  close();
});

test("closed, it asks no more, in the middle of a question or between two", async () => {
  for (const answer of ["hangs", "refuses"] as const) {
    const { clock, watch, upstream, lines, close } = aWatch();
    upstream.answer = answer;
    watch.glance();
    await clock.asleep(1);
    close();
    watch.glance();
    watch.doubt();
    await clock.advance(3_600_000);
    assert.deepEqual([upstream.asked, upstream.atOnce, lines], [1, 0, []], answer);
  }
});

test("of a connector's calls only those count that end as with a dead upstream", async () => {
  const doubts: boolean[] = [];
  const login = async (fault?: Error): Promise<string> => {
    if (fault !== undefined) throw fault;
    return "wrong_credentials";
  };
  const connector = watched({ kind: "password", login }, { doubt: () => void doubts.push(true) });
  assert.equal(connector.kind, "password");
  assert.equal(await connector.login(), "wrong_credentials");
  await assert.rejects(connector.login(new BadAnswerError("nonsense")), BadAnswerError);
  assert.equal(doubts.length, 0);
  await assert.rejects(connector.login(new UnavailableError("up", "away")), UnavailableError);
  assert.equal(doubts.length, 1);
});
