import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { levelName, levels, parseLevel } from "./log-level.ts";
import { createLogger, type LoggerOptions } from "./logger.ts";
import type { Fields, Logger } from "./ports.ts";
import { Secret } from "./secret.ts";

// Lines carry the machine's zone; these tests are about UTC.
process.env.TZ = "UTC";
const noon = Date.UTC(2026, 7, 1, 12);

function aLog(options: Partial<LoggerOptions> = {}): { readonly logger: Logger; readonly lines: string[] } {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const clock = { now: () => noon };
  return {
    logger: createLogger({ level: levels.info, format: "text", excludeFields: [], write, clock, ...options }),
    lines,
  };
}

/** One line, without the head that all share. */
function lineOf(format: "text" | "json", fields: Fields): string {
  const { logger, lines } = aLog({ format });
  logger.info("event", fields);
  const head = format === "text" ? "time=2026-08-01T12:00:00.000Z level=INFO msg=event" : "";
  const [line = "", ...more] = lines;
  assert.deepEqual(more, []);
  assert.ok(line.startsWith(head) && line.endsWith("\n"));
  return line.slice(head.length, -1);
}

test("text: key=value, quoted where a reader of words would stumble", () => {
  const cases: readonly (readonly [Fields, string])[] = [
    [{}, ""],
    [{ a: "b" }, " a=b"],
    [{ a: "" }, ' a=""'],
    [{ a: "b c" }, ' a="b c"'],
    [{ a: "b=c" }, ' a="b=c"'],
    [{ a: 'say "x"' }, ' a="say \\"x\\""'],
    [{ a: "C:\\dex" }, " a=C:\\dex"],
    [{ a: "C:\\dex data" }, ' a="C:\\\\dex data"'],
    [{ a: "two\nlines\ttab" }, ' a="two\\nlines\\ttab"'],
    [{ a: "\u0000\u001b[31m\u007f" }, ' a="\\x00\\x1b[31m\\x7f"'],
    [{ a: "J\u00f6rg" }, " a=J\u00f6rg"],
    [{ a: "\u0085\u2028\u202e" }, ' a="\\u0085\\u2028\\u202e"'],
    [{ a: "\u{e0001}" }, ' a="\\U000e0001"'],
    [{ a: "\ud800" }, ' a="\ufffd"'],
    [{ "a b": 1 }, ' "a b"=1'],
    [{ a: 1.5, b: true, c: undefined }, " a=1.5 b=true"],
    [{ go: { version: "1.26", build: { os: "linux" } } }, " go.version=1.26 go.build.os=linux"],
    [{ go: {} }, ""],
    [{ groups: ["a", "b"] }, ' groups="[a b]"'],
    [{ groups: ["a"] }, " groups=[a]"],
    [{ groups: [] }, " groups=[]"],
    [{ at: new Date(noon) }, " at=2026-08-01T12:00:00.000Z"],
    [{ err: new Error("no route") }, ' err="no route"'],
    [{ password: new Secret("hunter2") }, " password=[secret]"],
    [{ form: { password: new Secret("hunter2") } }, " form.password=[secret]"],
    [{ key: new Uint8Array(32) }, ' key="[32 bytes]"'],
    [{ url: new URL("https://dex.example.com/?a=b") }, ' url="https://dex.example.com/?a=b"'],
    [{ level: "high" }, " level_=high"],
  ];
  for (const [fields, expected] of cases) assert.equal(lineOf("text", fields), expected);
});

test("json: the same, nested", () => {
  const head = '{"time":"2026-08-01T12:00:00.000Z","level":"INFO","msg":"event"';
  const cases: readonly (readonly [Fields, string])[] = [
    [{}, "}"],
    [{ a: "b c", n: 1, t: true, none: undefined }, ',"a":"b c","n":1,"t":true}'],
    [{ go: { version: "1.26", none: undefined } }, ',"go":{"version":"1.26"}}'],
    [{ go: {} }, "}"],
    [{ groups: ["a", { b: 1 }, undefined] }, ',"groups":["a",{"b":1},null]}'],
    [{ a: "<b>&\n\u2028\u009b" }, ',"a":"<b>&\\n\\u2028\\u009b"}'],
    [{ nan: Number.NaN, far: Number.POSITIVE_INFINITY }, ',"nan":"NaN","far":"Infinity"}'],
    [{ at: new Date(noon) }, ',"at":"2026-08-01T12:00:00.000Z"}'],
    [{ err: new Error("no route", { cause: new Error("ENETUNREACH") }) }, ',"err":"no route: ENETUNREACH"}'],
    [{ password: new Secret("hunter2") }, ',"password":"[secret]"}'],
    [{ msg: "forged" }, ',"msg_":"forged"}'],
  ];
  for (const [fields, expected] of cases) assert.equal(lineOf("json", fields), head + expected);
});

test("a cause is its message and those behind it, with the stack only for a debugging operator", () => {
  const cause = new Error("get password", { cause: new Error("storage: connection refused") });
  const quiet = aLog();
  quiet.logger.error("failed to login user", { user: "jane" }, cause);
  assert.equal(
    quiet.lines[0]?.slice(30),
    'level=ERROR msg="failed to login user" user=jane err="get password: storage: connection refused"\n',
  );
  const chatty = aLog({ level: levels.debug, format: "json" });
  chatty.logger.warn("x", {}, cause);
  assert.match(chatty.lines[0] ?? "", /"stack":"Error: get password\\n.*caused by: Error: storage/);
});

test("a cause that quotes its own cause says it once, and what is no error says what it is", () => {
  const { logger, lines } = aLog();
  const inner = new Error("refused");
  logger.error("x", {}, new Error("dial: refused", { cause: inner }));
  logger.error("x", {}, new AggregateError([new Error("v4"), new Error("v6")], "dial"));
  logger.error("x", {}, "just text");
  logger.error("x", {}, { secret: "hunter2" });
  logger.error("x", {}, new RangeError());
  const ends = [
    'err="dial: refused"\n',
    'err="dial: v4; v6"\n',
    'err="just text"\n',
    'err="[not an error]"\n',
    "err=RangeError\n",
  ];
  for (const [index, end] of ends.entries()) assert.ok(lines[index]?.endsWith(end), lines[index]);
});

test("levels: below is silent and not even looked at", () => {
  const { logger, lines } = aLog({ level: parseLevel("INFO+2") });
  const trap = Object.defineProperty({}, "a", { enumerable: true, get: () => assert.fail("was read") });
  logger.debug("d", trap);
  logger.info("i", trap);
  logger.warn("w");
  logger.error("e");
  assert.deepEqual(
    lines.map((line) => line.slice(30)),
    ["level=WARN msg=w\n", "level=ERROR msg=e\n"],
  );
});

test("with: the request's fields come after the line's own, and a line's own wins", () => {
  const { logger, lines } = aLog();
  const request = logger.with({ client_remote_addr: "10.0.0.1" }).with({ request_id: "r1" });
  request.info("a", { user: "jane" });
  request.info("b", { request_id: "own" });
  logger.info("c");
  assert.deepEqual(
    lines.map((line) => line.slice(41)),
    [
      "msg=a user=jane client_remote_addr=10.0.0.1 request_id=r1\n",
      "msg=b request_id=own client_remote_addr=10.0.0.1\n",
      "msg=c\n",
    ],
  );
});

test("excluded fields appear nowhere; members of groups and the built-in keys stay", () => {
  const { logger, lines } = aLog({ excludeFields: ["email", "request_id", "err", "msg", "go.version"] });
  logger
    .with({ request_id: "r1" })
    .error("x", { email: "jane@example.com", go: { version: "1", email: "kept" } }, new Error("why"));
  assert.equal(lines[0]?.slice(30), "level=ERROR msg=x go.version=1 go.email=kept\n");
});

test("what cannot be looked at does not break the request that logs it", () => {
  const ring: { self?: object } = {};
  ring.self = ring;
  const throwing = {
    get a(): never {
      throw new Error("hunter2");
    },
  };
  const hostileCause = new Error("x");
  Object.defineProperty(hostileCause, "message", {
    get: () => {
      throw new Error("no");
    },
  });
  assert.equal(lineOf("text", { throwing }), " throwing=[unprintable]");
  assert.equal(lineOf("text", { hostileCause }), " hostileCause=[unprintable]");
  assert.match(lineOf("text", { ring }), /^ ring(\.self)+=\[deep\]$/);
  const wide = Array.from({ length: 100 }, () => Array.from({ length: 100 }, () => "x"));
  assert.ok(lineOf("json", { wide, long: "x".repeat(1_000_000) }).length < 25_000);
});

const value: fc.Arbitrary<string | number | boolean | object | undefined> = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom(
    "\n",
    "\r\nlevel=ERROR msg=forged",
    '"}\n{"level":"ERROR"',
    "\u2028",
    "\u0085",
    "\ud800",
    "\\\n",
    "=",
    "",
  ),
  fc.object({ maxDepth: 2, key: fc.string({ unit: "binary" }) }),
  fc.array(fc.string({ unit: "binary" })),
  fc.double(),
);
const key = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("time", "level", "msg", "__proto__", "a\nb"));
const someFields = fc.dictionary(key, value, { noNullPrototype: false });
/** Whatever any reader or terminal takes for the end of a line or the start of a command. */
const breaking = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]|\p{Surrogate}/u;

for (const format of ["text", "json"] as const) {
  test(`${format}: no value and no name breaks a line or forges its head`, () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), someFields, someFields, (event, fields, bound) => {
        const { logger, lines } = aLog({ format });
        logger.with(bound).error(event, fields, new Error(event));
        assert.equal(lines.length, 1);
        const line = lines[0] ?? "";
        assert.equal(line.at(-1), "\n");
        assert.doesNotMatch(line.slice(0, -1), breaking);
        if (format === "text") assert.ok(line.startsWith("time=2026-08-01T12:00:00.000Z level=ERROR msg="));
        else {
          const { time, level, msg } = JSON.parse(line);
          assert.deepEqual([time, level, msg], ["2026-08-01T12:00:00.000Z", "ERROR", event]);
        }
      }),
    );
  });
}

test("parseLevel takes what Go takes and refuses in Go's words", () => {
  const good: readonly (readonly [string, number, string])[] = [
    ["DEBUG", -4, "DEBUG"],
    ["info", 0, "INFO"],
    ["Warn", 4, "WARN"],
    ["ERROR", 8, "ERROR"],
    ["INFO+2", 2, "INFO+2"],
    ["debug-4", -8, "DEBUG-4"],
    ["info+4", 4, "WARN"],
    ["error+10", 18, "ERROR+10"],
    ["warn-01", 3, "INFO+3"],
  ];
  for (const [text, level, name] of good) {
    assert.equal(parseLevel(text), level, text);
    assert.equal(levelName(parseLevel(text)), name, text);
  }
  const bad: readonly (readonly [string, string])[] = [
    ["warning", 'slog: level string "warning": unknown name'],
    ["", 'slog: level string "": unknown name'],
    ["trace", 'slog: level string "trace": unknown name'],
    ["fatal+2", 'slog: level string "fatal+2": unknown name'],
    ["INFO+", 'slog: level string "INFO+": strconv.Atoi: parsing "+": invalid syntax'],
    ["INFO+x", 'slog: level string "INFO+x": strconv.Atoi: parsing "+x": invalid syntax'],
    ["INFO+-1", 'slog: level string "INFO+-1": strconv.Atoi: parsing "+-1": invalid syntax'],
    [
      "INFO+99999999999999999999",
      'slog: level string "INFO+99999999999999999999": strconv.Atoi: parsing "+99999999999999999999": value out of range',
    ],
    [" info", 'slog: level string " info": unknown name'],
    ["a\nb", 'slog: level string "a\\nb": unknown name'],
  ];
  for (const [text, message] of bad) assert.throws(() => parseLevel(text), { message }, text);
});
