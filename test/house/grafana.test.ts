/** The board asks only for metrics that there are. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { z } from "zod";
import { createMetrics } from "../../src/telemetry/metrics.ts";

const board = z.object({
  panels: z.array(z.object({ title: z.string(), targets: z.array(z.object({ expr: z.string() })).min(1) })).min(10),
});

test("every panel of the Grafana board shows a metric that is served", async () => {
  const { expose } = await createMetrics(
    { version: "1", platform: "linux/amd64", runtime: "v24" },
    {
      bcryptWaiting: () => 0,
      certificateEnds: () => ({ https: new Date(0) }),
      signingKey: async () => ({ age: 0, nextRotation: 0 }),
      health: async () => ({ storage: true }),
    },
  );
  const { text } = await expose();
  const served = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = ""]) => name));
  const { panels } = board.parse(
    JSON.parse(readFileSync(join(import.meta.dirname, "../../deploy/grafana/dex.json"), "utf8")),
  );
  const metric = /\b(?:dex|http|request|response|grpc|process|nodejs|go)_[a-z0-9_]+/g;
  for (const { title, targets } of panels) {
    for (const { expr } of targets) {
      const asked = (expr.match(metric) ?? []).filter((name) => name !== "grpc_method" && name !== "grpc_code");
      assert.ok(asked.length > 0, `${title} shows nothing`);
      for (const name of asked) assert.ok(served.has(name.replace(/_(bucket|count|sum)$/, "")), `${title}: ${name}`);
    }
  }
});
