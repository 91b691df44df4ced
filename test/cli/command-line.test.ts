import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseCommandLine } from "../../src/cli/command-line.ts";
import { dex } from "./run-dex.ts";

test("flags stand before or after the file, with or without an equals sign", () => {
  const cases: readonly (readonly [string, readonly string[], Readonly<Record<string, string>>])[] = [
    ["serve c.yaml", ["c.yaml"], {}],
    ["serve --web-http-addr :1 c.yaml", ["c.yaml"], { "web-http-addr": ":1" }],
    ["serve c.yaml --web-https-addr=:2", ["c.yaml"], { "web-https-addr": ":2" }],
    ["serve --grpc-addr= c.yaml --telemetry-addr :3", ["c.yaml"], { "grpc-addr": "", "telemetry-addr": ":3" }],
    ["serve --grpc-addr a --grpc-addr=b=c c.yaml", ["c.yaml"], { "grpc-addr": "b=c" }],
    ["serve -- --web-http-addr", ["--web-http-addr"], {}],
    ["serve --web-http-addr --nope c.yaml", ["c.yaml"], { "web-http-addr": "--nope" }],
    ["validate -", ["-"], {}],
    ["version whatever else", ["whatever", "else"], {}],
  ];
  for (const [line, args, flags] of cases) {
    const [command] = line.split(" ");
    assert.deepEqual(parseCommandLine(line.split(" ")), { kind: "run", command, args, flags }, line);
  }
});

test("help is asked for in several ways", () => {
  assert.deepEqual(parseCommandLine([]), { kind: "nothing" });
  for (const line of ["help", "-h", "--help", "help nope"])
    assert.deepEqual(parseCommandLine(line.split(" ")), { kind: "help" });
  for (const line of ["help serve", "serve -h", "serve --help", "serve a b c --help"]) {
    assert.deepEqual(parseCommandLine(line.split(" ")), { kind: "help", command: "serve" }, line);
  }
});

test("misuse is told in Dex's words", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["nope", 'unknown command "nope" for "dex"'],
    ["--nope", "unknown flag: --nope"],
    ["-x", "unknown shorthand flag: 'x' in -x"],
    ["serve", "accepts 1 arg(s), received 0"],
    ["serve a b", "accepts 1 arg(s), received 2"],
    ["serve --nope=secret c.yaml", "unknown flag: --nope"],
    ["serve c.yaml --web-http-addr", "flag needs an argument: --web-http-addr"],
    ["validate --web-http-addr :1 c.yaml", "unknown flag: --web-http-addr"],
    ["print-config", "accepts 1 arg(s), received 0"],
  ];
  for (const [line, message] of cases) {
    const invocation = parseCommandLine(line.split(" "));
    assert.equal(invocation.kind === "misuse" && invocation.message, message, line);
  }
});

test("any arguments are understood or refused", () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom("serve", "validate", "--", "-", "-h", "--web-http-addr", "--=", "constructor"),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), (argv) => {
      assert.ok(["run", "help", "nothing", "misuse"].includes(parseCommandLine(argv).kind));
    }),
  );
});

test("dex alone prints help on standard output and fails", async () => {
  const { code, stdout, stderr } = await dex([]);
  assert.equal(code, 2);
  assert.match(stdout, /^Usage:\n {2}dex \[flags\]\n {2}dex \[command\]$/m);
  for (const command of ["help", "print-config", "serve", "validate", "version"]) {
    assert.match(stdout, new RegExp(`^ {2}${command} {2,}\\S`, "m"));
  }
  assert.equal(stderr, "");
});

test("help succeeds, for the program and for each command", async () => {
  const { code, stdout } = await dex(["--help"]);
  assert.equal(code, 0);
  assert.match(stdout, /Available Commands:/);
  const serve = await dex(["serve", "--help"]);
  assert.equal(serve.code, 0);
  assert.match(serve.stdout, /^ {6}--web-http-addr string {4}Web HTTP address$/m);
});

test("version prints three lines", async () => {
  const { code, stdout } = await dex(["version"]);
  assert.equal(code, 0);
  assert.match(stdout, /^Dex Version: \S+\nNode Version: v\d+\.\d+\.\d+\nNode OS\/ARCH: \S+ \S+\n$/);
});

test("misuse prints the error, the usage and the error again, and fails", async () => {
  const { code, stdout, stderr } = await dex(["serve"]);
  assert.equal(code, 2);
  assert.equal(stdout, "");
  assert.match(
    stderr,
    /^Error: accepts 1 arg\(s\), received 0\nUsage:\n {2}dex serve \[flags\] \[config file\]\n[\s\S]*\naccepts 1 arg\(s\), received 0\n$/,
  );
  const unknown = await dex(["serv"]);
  assert.equal(unknown.code, 2);
  assert.match(
    unknown.stderr,
    /^Error: unknown command "serv" for "dex"\n\nDid you mean this\?\n\tserve\n\nRun 'dex --help' for usage\.\n/,
  );
});
