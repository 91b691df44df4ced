import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { acceptedTraceId, traceIdOf } from "./trace-id.ts";

const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
const parent = "00f067aa0ba902b7";

test("takes over a valid traceparent and nothing else", () => {
  const good = [`00-${trace}-${parent}-01`, `00-${trace}-${parent}-00`, `cc-${trace}-${parent}-01-what-is-to-come`];
  for (const header of good) assert.equal(acceptedTraceId(header), trace, header);
  const bad = [
    "",
    trace,
    `ff-${trace}-${parent}-01`,
    `00-${trace}-${parent}`,
    `00-${trace}-${parent}-01-more`,
    `00-${trace.toUpperCase()}-${parent}-01`,
    `00-${"0".repeat(32)}-${parent}-01`,
    `00-${trace}-${"0".repeat(16)}-01`,
    `00-${trace}x-${parent}-01`,
    `00-${trace}-${parent}-01, 00-${trace}-${parent}-01`,
    ` 00-${trace}-${parent}-01`,
  ];
  for (const header of bad) assert.equal(acceptedTraceId(header), undefined, header);
  assert.equal(acceptedTraceId(undefined), undefined);
});

test("property: the id is always 32 hex digits, fit for a header and a log", () => {
  const random = { bytes: (count: number) => new Uint8Array(count).fill(0xab) };
  fc.assert(
    fc.property(fc.option(fc.string(), { nil: undefined }), (header) => {
      assert.match(traceIdOf(header, random), /^[0-9a-f]{32}$/);
    }),
  );
  assert.equal(traceIdOf(undefined, random), "ab".repeat(16));
});
