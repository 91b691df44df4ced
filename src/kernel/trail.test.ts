import assert from "node:assert/strict";
import { test } from "node:test";
import type { Logger } from "./ports.ts";
import { RequestTrail, renderTrail } from "./trail.ts";

function recordingLogger(lines: string[]): Logger {
  const at = (level: string) => (event: string, fields?: object) =>
    void lines.push(`${level} ${event} ${JSON.stringify(fields)}`);
  const logger: Logger = {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    with: () => logger,
  };
  return logger;
}

test("a failed decision is logged at info, the others at debug where the log takes them", () => {
  for (const isVerbose of [true, false]) {
    const lines: string[] = [];
    const trail = new RequestTrail(() => recordingLogger(lines), isVerbose);
    trail.note({ check: "a.b", outcome: "pass", because: "fine" });
    trail.note({ check: "c.d", outcome: "fail", because: "not fine", spec: "RFC 6749 §5.2" });
    const levels = lines.map((line) => line.split(" ")[0]);
    assert.deepEqual(levels, isVerbose ? ["debug", "info"] : ["info"]);
    assert.match(lines.at(-1) ?? "", /c\.d/);
  }
});

test("a trail does not grow without end", () => {
  const trail = new RequestTrail(() => recordingLogger([]), false);
  for (let n = 0; n < 1000; n++) trail.note({ check: "a.b", outcome: "pass", because: String(n) });
  assert.equal(trail.decisions.length, 200);
});

test("the tree reads in columns, and names the rule or says policy", () => {
  const text = renderTrail([
    {
      check: "redirect_uri.registered",
      outcome: "pass",
      because: "entry 1 matches exactly",
      spec: "OIDC Core §3.1.2.1",
    },
    { check: "group.required", outcome: "fail", because: "in none of [team-a]" },
  ]);
  assert.equal(
    text,
    "  pass   redirect_uri.registered  entry 1 matches exactly  OIDC Core §3.1.2.1\n" +
      "  fail   group.required           in none of [team-a]      policy",
  );
});
