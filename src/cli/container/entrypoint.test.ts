import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { startOf } from "./entrypoint.ts";

const home = mkdtempSync(join(tmpdir(), "dex-entrypoint-"));
after(() => rmSync(home, { recursive: true }));
const [bin, configFolder, temporary] = ["bin", "etc", "tmp"].map((name) => join(home, name)) as [
  string,
  string,
  string,
];
for (const folder of [bin, configFolder, temporary]) mkdirSync(folder);
const program = (name: string, mode: number): string => {
  writeFileSync(join(bin, name), "");
  chmodSync(join(bin, name), mode);
  return join(bin, name);
};
const dex = program("dex", 0o755);
const other = program("other", 0o755);
program("data", 0o644);
const config = (name: string, text: string): string => {
  writeFileSync(join(configFolder, name), text);
  return join(configFolder, name);
};
const templated = config("c.yaml", 'issuer: {{ getenv "ISSUER" }}\n');
const plain = config("plain.yaml", "issuer: x\n");
const place = { env: { PATH: `/nowhere:${bin}`, ISSUER: "https://a" }, configFolder, temporary };

test("runs what it is told, untouched", () => {
  for (const [args, file] of [
    [["other", "a.yaml"], other],
    [[other, templated], other],
    [["dex"], dex],
    [["dex", "version", templated], dex],
    [["dex", "serve", "--help"], dex],
    [["dex", "serve", "--x=c.yaml", "c.yml", "c.json"], dex],
  ] as const) {
    assert.deepEqual(startOf(args, place), { file, args });
  }
  assert.deepEqual(readdirSync(temporary), []);
});

test("renders for `dex serve`, by name and by path, into a folder that nobody else may enter", () => {
  for (const name of [templated, "c.yaml"]) {
    for (const command of ["dex", dex]) {
      const { file, args } = startOf([command, "serve", "--flag", name], place);
      assert.equal(file, dex);
      assert.deepEqual([args[0], args[1], args[2], args.length], [command, "serve", "--flag", 4]);
      const target = args[3] ?? "";
      assert.equal(dirname(dirname(target)), temporary);
      assert.equal(readFileSync(target, "utf8"), "issuer: https://a\n");
      assert.equal(statSync(target).mode & 0o777, 0o600);
      assert.equal(statSync(dirname(target)).mode & 0o777, 0o700);
      assert.match(target, /\/c\.yaml$/);
    }
  }
});

test("every ending that Dex renders, and a result that the server reads as YAML", () => {
  for (const name of ["t.tpl", "t.tmpl", "t.yaml"]) {
    config(name, "a: {{ 1 }}");
    assert.match(startOf(["dex", "serve", name], place).args[2] ?? "", /\/dex-[^/]+\/t\.yaml$/);
  }
});

test("a file without templates is served where it lies", () => {
  assert.deepEqual(startOf(["dex", "serve", "plain.yaml"], place).args, ["dex", "serve", plain]);
  assert.deepEqual(startOf(["dex", "serve", plain], { ...place, temporary: "/nowhere" }).args, ["dex", "serve", plain]);
});

test("says what is wrong", () => {
  const broken = config("broken.yaml", "\n{{ nonsense }}");
  for (const [args, message] of [
    [[], "no args passed to entrypoint"],
    [["none"], "cannot lookup path for command none: executable file not found in $PATH"],
    [["data"], "cannot lookup path for command data: executable file not found in $PATH"],
    [[""], "cannot lookup path for command : executable file not found in $PATH"],
    [["dex", "serve", broken], `${broken}: line 2: the function \`nonsense\` is not supported`],
  ] as const) {
    assert.throws(() => startOf(args, place), { message });
  }
  assert.throws(() => startOf(["dex", "serve", "none.yaml"], place), /^Error: none\.yaml: ENOENT/);
  assert.throws(
    () => startOf(["dex", "serve", templated], { ...place, temporary: "/nowhere" }),
    /^Error: cannot create temp file: ENOENT.*needs a \/nowhere to write to$/,
  );
});
