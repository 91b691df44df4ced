import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { z } from "zod";
import { renderTrail } from "../../src/kernel/trail.ts";
import { obtainCode, redeem } from "../spec/relying-party.ts";
import { startServerUnderTest } from "../spec/server-under-test.ts";

const line = z.object({
  msg: z.string(),
  check: z.string().optional(),
  outcome: z.enum(["pass", "fail", "skip", "chose"]).optional(),
  because: z.string().optional(),
  spec: z.string().optional(),
});

test("the trail in docs/guide/walk-one-login.md is the trail of that login", async (t) => {
  const server = await startServerUnderTest({ logger: { level: "debug" } });
  try {
    const agent = server.newAgent();
    const code = await obtainCode(agent, { scope: "openid email offline_access", state: "s" });
    assert.equal((await redeem(agent, code)).status, 200);
    const decisions = server.log
      .map((text) => line.parse(JSON.parse(text)))
      .flatMap(({ msg, check, outcome, because, spec }) =>
        msg === "decision" && check !== undefined && outcome !== undefined && because !== undefined
          ? [{ check, outcome, because, ...(spec === undefined ? {} : { spec }) }]
          : [],
      );
    const trail = renderTrail(decisions);
    t.diagnostic(`\n${trail}`);
    const guide = readFileSync(new URL("../../docs/guide/walk-one-login.md", import.meta.url), "utf8");
    const block = /```trail\n([\s\S]*?)\n```/.exec(guide)?.[1];
    assert.equal(block, trail);
  } finally {
    await server.close();
  }
});
