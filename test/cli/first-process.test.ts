/** The program as the first process of a container, which the kernel hands no signal that it has no handler for. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";

const entry = join(import.meta.dirname, "../../src/cli/main.ts");
const apart = ["--pid", "--fork", "--kill-child"] as const;
const skip =
  spawnSync("unshare", [...apart, "true"]).status === 0 ? false : "optional: no right to make a namespace of processes";

test("a stop that comes before the server listens for it ends the process", { skip, timeout: 30_000 }, async (t) => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    // The configuration never comes: it waits for what any start waits for, without end.
    const outer = spawn("unshare", [...apart, process.execPath, entry, "validate", "-"], {
      stdio: ["pipe", "ignore", "inherit"],
      env: { NODE_DISABLE_COMPILE_CACHE: "1" },
    });
    t.after(() => outer.kill("SIGKILL"));
    const ended = once(outer, "exit");
    const first = await firstChildOf(outer.pid ?? 0);
    assert.deepEqual(await tell(first, signal, ended), [128 + constants.signals[signal], null]);
  }
});

/** Sends `signal` again and again until `ended`: nothing outside tells when a process has begun to listen. */
async function tell<T>(pid: number, signal: NodeJS.Signals, ended: Promise<T>): Promise<T> {
  let isOver = false;
  ended.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    if (existsSync(`/proc/${pid}`)) process.kill(pid, signal);
    await wait(100);
  }
  return ended;
}

async function firstChildOf(pid: number): Promise<number> {
  for (;;) {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").match(/\d+/) ?? [];
    if (child !== undefined) return Number(child);
    await wait(10);
  }
}
