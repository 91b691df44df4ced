import assert from "node:assert/strict";
import { test } from "node:test";
import { handClock } from "../../test/fake/hand-clock.ts";
import { levels } from "../kernel/log-level.ts";
import { createLogger } from "../kernel/logger.ts";
import { noObserver } from "../kernel/ports.ts";
import type { Storage } from "../storage/contract.ts";
import { openMemory } from "../storage/memory/memory.ts";
import { collectGarbage } from "./garbage.ts";

test("is collected half a minute after the start and every five minutes, told and counted; a run that fails is not the last", async (t) => {
  const clock = handClock();
  const memory = openMemory();
  const lines: string[] = [];
  const counted: unknown[] = [];
  let isBroken = false;
  const storage: Storage = {
    ...memory,
    collectGarbage: async (now, batch) => {
      if (isBroken) throw new Error("the database is away");
      return memory.collectGarbage(now, batch);
    },
  };
  const write = (line: string): void => void lines.push(line);
  const logger = createLogger({ level: levels.info, format: "text", excludeFields: [], write, clock });
  const observer = { ...noObserver, collected: (deleted: object) => void counted.push(deleted) };
  const stop = new AbortController();
  const running = collectGarbage(storage, clock, logger, observer, stop.signal);
  t.after(() => stop.abort());
  const expire = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index++)
      await memory.revokedTokens.create({ id: `${clock.now()}-${index}`, expiry: clock.now() - 1 });
  };
  const left = async (): Promise<number> => (await memory.revokedTokens.list()).length;

  await expire(3);
  await clock.asleep(1);
  await clock.advance(29_999);
  assert.equal(await left(), 3);
  await clock.advance(1, 1);
  await clock.asleep(1);
  assert.equal(await left(), 0);
  assert.deepEqual(counted, [{ revokedTokens: 3 }]);
  assert.match(lines.join(""), /garbage collection run/);

  isBroken = true;
  await expire(1);
  await clock.advance(300_000);
  await clock.asleep(1);
  assert.equal(await left(), 1);
  assert.match(lines.join(""), /garbage collection failed.*the database is away/s);

  // More than one batch goes in one run.
  isBroken = false;
  await expire(1_200);
  await clock.advance(300_000);
  await clock.asleep(1);
  assert.equal(await left(), 0);

  stop.abort();
  await running;
});
