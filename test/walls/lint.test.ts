/** Proves that the lint holds: each of our own rules is broken once, where it holds and where it does not. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, it } from "node:test";

const root = join(import.meta.dirname, "../..");
const house = mkdtempSync(join(tmpdir(), "dex-lint-"));
after(() => rmSync(house, { recursive: true }));

mkdirSync(join(house, "scripts/lint"), { recursive: true });
mkdirSync(join(house, ".git"));
for (const file of ["biome.json", ".gitignore", "scripts/lint/clock-and-chance.grit"]) {
  cpSync(join(root, file), join(house, file));
}

/** What Biome says of `text` in `file`. */
function lint(file: string, text: string): string {
  mkdirSync(dirname(join(house, file)), { recursive: true });
  writeFileSync(join(house, file), text);
  const args = ["lint", "--colors=off", "--error-on-warnings", file];
  const { stdout, stderr } = spawnSync(join(root, "node_modules/.bin/biome"), args, { cwd: house, encoding: "utf8" });
  return stdout + stderr;
}

const use = (expression: string): string => `export const it = ${expression};\n`;
const bad: readonly (readonly [text: string, rule: RegExp, holds: string, notIn: string])[] = [
  [use("Date.now()"), /Take time from Clock/, "src/flow/a.ts", "src/kernel/system.ts"],
  [use("new Date()"), /Take time from Clock/, "src/token/b.ts", "src/token/b.test.ts"],
  [use("Math.random()"), /chance from Random/, "src/cli/c.ts", "bench/c.ts"],
  [
    `import { randomBytes } from "node:crypto";\n${use("randomBytes(8)")}`,
    /Chance comes from Random/,
    "src/flow/d.ts",
    "src/kernel/d.ts",
  ],
  [
    `import { randomUUID } from "node:crypto";\n${use("randomUUID()")}`,
    /Chance comes from Random/,
    "src/cli/e.ts",
    "examples/e.ts",
  ],
  [
    `import { webcrypto } from "node:crypto";\n${use("webcrypto.subtle")}`,
    /Chance comes from Random/,
    "src/grant/f.ts",
    "test/fake/f.ts",
  ],
  [use('await fetch("https://up.example")'), /asked by `deps.openFetch`/, "src/connector/up/h.ts", "src/server/h.ts"],
  [use("process.env.HOME"), /noProcessEnv/, "src/server/g.ts", "src/cli/g.ts"],
];
const badEverywhere: readonly (readonly [text: string, rule: RegExp])[] = [
  ["export default 1;\n", /noDefaultExport/],
  ["export enum Kind { A }\n", /noEnum/],
  [`import { readFileSync } from "fs";\n${use("readFileSync")}`, /useNodejsImportProtocol/],
  [`import { Secret } from "./secret.ts";\nexport type It = Secret;\n`, /useImportType/],
];

describe("lint", () => {
  for (const [index, [text, rule, holds, notIn]] of bad.entries()) {
    it(`${rule.source} holds in ${holds} and not in ${notIn} (${index + 1})`, () => {
      assert.match(lint(holds, text), rule);
      assert.doesNotMatch(lint(notIn, text), rule);
    });
  }
  for (const [text, rule] of badEverywhere) {
    it(`${rule.source} holds everywhere`, () => {
      for (const file of ["src/flow/everywhere.ts", "test/spec/everywhere.ts", "bench/everywhere.ts"]) {
        assert.match(lint(file, text), rule);
      }
    });
  }
  it("lets a date of a given time pass", () => {
    assert.doesNotMatch(lint("src/flow/given.ts", use("new Date(5)")), /Take time from Clock/);
  });
});
