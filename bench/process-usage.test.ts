import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { machineCpuMs, usageOf } from "./process-usage.ts";
import { countRows } from "./workload/unauthenticated.ts";

describe("the usage of a process", { skip: process.platform !== "linux" && "reads /proc" }, () => {
  it("counts the memory and time of its children too", async () => {
    // A shell that waits for a Node: the Node is what weighs.
    const script = "let i = 0; while (performance.now() < 200) i++; console.log('busy'); setInterval(() => i, 1000);";
    const shell = spawn("/bin/sh", ["-c", '"$0" -e "$1" & wait', process.execPath, script], {
      stdio: ["ignore", "pipe", "inherit"],
      detached: true,
    });
    await once(shell.stdout, "data");
    const usage = usageOf(shell.pid ?? 0);
    const [rss, peak, cpu] = [usage.rssMiB(), usage.peakRssMiB(), usage.cpuMs()];
    process.kill(-(shell.pid ?? 0), "SIGKILL");
    assert.ok(rss > 20, `${rss} MiB`);
    assert.ok(peak >= rss, `${peak} MiB at most, ${rss} MiB now`);
    assert.ok(cpu > 0 && cpu <= machineCpuMs());
  });

  it("is nothing for a process that is gone", () => {
    assert.equal(usageOf(2 ** 22 + 1).rssMiB(), 0);
  });
});

describe("the rows of a database", () => {
  it("are those of all tables together", () => {
    const directory = mkdtempSync(join(tmpdir(), "bench-rows-"));
    const file = join(directory, "rows.db");
    const database = new DatabaseSync(file);
    database.exec(
      `PRAGMA journal_mode = wal; CREATE TABLE a (x); CREATE TABLE "b ""c" (x); INSERT INTO a VALUES (1), (2)`,
    );
    database.exec(`INSERT INTO "b ""c" VALUES (3)`);
    assert.equal(countRows(file), 3);
    database.close();
    rmSync(directory, { recursive: true });
  });
});
