import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { levels } from "./log-level.ts";
import { createLogger } from "./logger.ts";
import { readLogLine } from "./read-log-line.ts";

function logged(format: "text" | "json", event: string, value: string): string {
  let line = "";
  const write = (text: string): void => {
    line = text.trimEnd();
  };
  createLogger({ level: levels.info, format, excludeFields: [], write, clock: { now: () => 0 } }).info(event, {
    because: value,
    trace_id: "7f3a",
  });
  return line;
}

test("what the logger wrote is read again, in both forms, whatever it holds", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("text", "json"),
      fc.string(),
      fc.string({ unit: "grapheme" }),
      (format, event, value) => {
        const fields = readLogLine(logged(format, event, value));
        assert.deepEqual([fields?.msg, fields?.because, fields?.trace_id], [event, value, "7f3a"]);
      },
    ),
    { numRuns: 300 },
  );
});

test("any other text is no log line, and never a fault", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const fields = readLogLine(text);
      assert.ok(fields === undefined || text.startsWith("{") || text.startsWith("time="));
    }),
  );
  assert.equal(readLogLine('{"msg":'), undefined);
});
