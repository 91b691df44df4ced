/**
 * Proves that the walls hold: every wall is run into once. With an unlucky pair of versions dependency-cruiser
 * reads no TypeScript at all and reports success, so silence alone proves nothing.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, globSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { after, describe, it } from "node:test";
import { z } from "zod";

const root = join(import.meta.dirname, "../..");
const folders = ["src", "test", "bench", "scripts", "examples"];

const report = z.object({
  modules: z.array(z.object({ source: z.string() })),
  summary: z.object({
    violations: z.array(z.object({ from: z.string(), to: z.string(), rule: z.object({ name: z.string() }) })),
  }),
});

/** What dependency-cruiser says of the house under `base`, by this project's rules. */
function cruise(base: string): z.infer<typeof report> {
  const tool = join(root, "node_modules/.bin/depcruise");
  const args = [tool, ...folders, "--config", join(root, ".dependency-cruiser.cjs"), "--output-type", "json"];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: base, encoding: "utf8", maxBuffer: 64 << 20 });
  assert.notEqual(stdout, "", stderr);
  return report.parse(JSON.parse(stdout));
}

/** Files that exist in the miniature, so that every import below leads somewhere. */
const furniture = [
  ...["kernel", "oauth", "http", "page", "token", "grant", "flow", "endpoint", "admin", "config", "server", "cli"].map(
    (room) => `src/${room}/thing.ts`,
  ),
  ...["connector", "storage", "signer"].flatMap((family) => [
    `src/${family}/contract.ts`,
    `src/${family}/one/one.ts`,
    `src/${family}/two/two.ts`,
    `src/${family}/shared/shared.ts`,
  ]),
  ...["src/storage/records.ts", "src/storage/static-overlay.ts", "src/connector/local/local.ts"],
  ...["src/http/contract.ts", "src/grant/contract.ts", "src/grant/registry.ts", "src/signer/registry.ts"],
  ...["test/fake/thing.ts", "bench/thing.ts", "scripts/thing.ts", "examples/thing.ts"],
];

/** Who reaches for what, and the wall that must stop it. */
const bad: readonly (readonly [importer: string, imported: string, wall: string])[] = [
  ["src/kernel/a.ts", "src/oauth/thing.ts", "room-kernel"],
  ["src/oauth/a.ts", "src/kernel/thing.ts", "room-oauth"],
  ["src/http/a.ts", "src/storage/contract.ts", "room-http"],
  ["src/page/a.ts", "src/flow/thing.ts", "room-page"],
  ["src/connector/one/a.ts", "src/storage/contract.ts", "room-connector"],
  ["src/storage/one/a.ts", "src/token/thing.ts", "room-storage"],
  ["src/signer/one/a.ts", "src/token/thing.ts", "room-signer"],
  ["src/connector/local/a.ts", "src/flow/thing.ts", "room-connector/local"],
  ["src/signer/one/d.ts", "src/storage/one/one.ts", "room-signer"],
  ["src/connector/local/b.ts", "src/connector/one/one.ts", "sibling-connector"],
  ["src/token/a.ts", "src/grant/thing.ts", "room-token"],
  ["src/grant/a.ts", "src/flow/thing.ts", "room-grant"],
  ["src/grant/b.ts", "src/storage/one/one.ts", "room-grant"],
  ["src/flow/a.ts", "src/grant/thing.ts", "room-flow"],
  ["src/flow/b.ts", "src/connector/local/local.ts", "room-flow"],
  ["src/endpoint/a.ts", "src/storage/static-overlay.ts", "room-endpoint"],
  ["src/admin/a.ts", "src/endpoint/thing.ts", "room-admin"],
  ["src/config/a.ts", "src/storage/one/one.ts", "room-config"],
  ["src/server/a.ts", "src/storage/one/one.ts", "room-server"],
  ["src/server/b.ts", "src/connector/two/two.ts", "room-server"],
  ["src/server/c.ts", "src/cli/thing.ts", "room-server"],
  ["src/cli/a.ts", "src/endpoint/thing.ts", "room-cli"],
  ["src/connector/one/b.ts", "src/connector/two/two.ts", "sibling-connector"],
  ["src/storage/one/b.ts", "src/storage/two/two.ts", "sibling-storage"],
  ["src/signer/one/b.ts", "src/signer/two/two.ts", "sibling-signer"],
  ["src/connector/one/c.ts", "src/connector/glue.ts", "implementation-connector"],
  ["src/storage/one/c.ts", "src/storage/static-overlay.ts", "implementation-storage"],
  ["src/signer/one/c.ts", "src/signer/registry.ts", "implementation-signer"],
  ["src/connector/glue.ts", "src/connector/one/one.ts", "registry-connector"],
  ["src/storage/glue.ts", "src/storage/one/one.ts", "registry-storage"],
  ["src/signer/glue.ts", "src/signer/one/one.ts", "registry-signer"],
  ["src/grant/c.ts", "src/grant/registry.ts", "registry-is-for-the-root"],
  ["src/connector/one/d.ts", "node:https", "one-way-out"],
  ["src/connector/two/d.ts", "undici", "one-way-out"],
  ["src/connector/one/e.ts", "node:tls", "sockets-are-ldaps"],
  ["test/spec/a.ts", "src/token/thing.ts", "spec-is-black-box"],
  ["src/kernel/b.ts", "test/fake/thing.ts", "ships-no-tests"],
  ["src/kernel/c.ts", "bench/thing.ts", "ships-no-tests"],
  ["examples/a.ts", "src/kernel/thing.ts", "examples-stand-alone"],
  ["src/kernel/d.ts", "fast-check", "ships-no-dev-package"],
  ["src/kernel/e.ts", "./nowhere.ts", "resolves"],
];

/** Who may reach for what: a wall in a doorway is as wrong as a missing wall. */
const good: readonly (readonly [importer: string, imported: string])[] = [
  ["src/http/ok.ts", "src/kernel/thing.ts"],
  ["src/connector/one/ok.ts", "src/connector/contract.ts"],
  ["src/connector/one/ok2.ts", "src/connector/shared/shared.ts"],
  ["src/connector/registry.ts", "src/connector/one/one.ts"],
  ["src/storage/registry.ts", "src/storage/two/two.ts"],
  ["src/storage/one/ok.ts", "src/storage/records.ts"],
  ["src/signer/one/ok.ts", "src/storage/contract.ts"],
  ["src/connector/local/ok.ts", "src/storage/records.ts"],
  ["src/token/ok.ts", "src/signer/contract.ts"],
  ["src/grant/ok.ts", "src/storage/records.ts"],
  ["src/connector/ldap/ok.ts", "node:tls"],
  ["src/kernel/ok2.ts", "undici"],
  ["src/flow/ok.ts", "src/page/thing.ts"],
  ["src/endpoint/ok.ts", "src/grant/contract.ts"],
  ["src/config/ok.ts", "src/connector/registry.ts"],
  ["src/server/ok.ts", "src/grant/registry.ts"],
  ["src/server/ok2.ts", "src/connector/local/local.ts"],
  ["src/server/ok3.ts", "src/storage/static-overlay.ts"],
  ["src/server/ok4.ts", "src/signer/one/one.ts"],
  ["src/cli/ok.ts", "src/server/thing.ts"],
  ["src/grant/beside.test.ts", "src/storage/one/one.ts"],
  ["test/spec/ok.ts", "src/server/thing.ts"],
  ["src/kernel/ok.ts", "zod"],
];

/** A house in miniature with every import of the two tables. */
function miniature(): string {
  const base = mkdtempSync(join(tmpdir(), "dex-walls-"));
  for (const file of ["package.json", "tsconfig.json"]) cpSync(join(root, file), join(base, file));
  symlinkSync(join(root, "node_modules"), join(base, "node_modules"));
  const write = (file: string, text: string): void => {
    mkdirSync(dirname(join(base, file)), { recursive: true });
    writeFileSync(join(base, file), text);
  };
  for (const file of furniture) write(file, "export const thing = 1;\n");
  for (const [importer, imported] of [...bad, ...good]) {
    const isOurs = folders.some((folder) => imported.startsWith(`${folder}/`));
    const path = relative(dirname(importer), imported);
    const target = !isOurs ? imported : path.startsWith(".") ? path : `./${path}`;
    write(importer, `import * as planted from "${target}";\nexport const used = planted;\n`);
  }
  write("src/flow/round.ts", 'import type { Back } from "./back.ts";\nexport type Round = Back | 1;\n');
  write("src/flow/back.ts", 'import type { Round } from "./round.ts";\nexport type Back = Round | 2;\n');
  write("src/page/typed.ts", 'import type { thing } from "../flow/thing.ts";\nexport type Thing = typeof thing;\n');
  return base;
}

describe("walls", () => {
  const base = miniature();
  after(() => rmSync(base, { recursive: true }));
  const { violations } = cruise(base).summary;
  const wallsHitBy = (file: string): readonly string[] =>
    violations.filter((violation) => violation.from === file).map((violation) => violation.rule.name);

  for (const [importer, imported, wall] of bad) {
    it(`${wall} stops ${importer} from importing ${imported}`, () => {
      assert.ok(wallsHitBy(importer).includes(wall), `reported: ${wallsHitBy(importer).join(", ") || "nothing"}`);
    });
  }
  it("no-cycle stops a circle, even one of types", () => {
    // A circle is reported once, from whichever of its files came first.
    assert.ok([...wallsHitBy("src/flow/round.ts"), ...wallsHitBy("src/flow/back.ts")].includes("no-cycle"));
  });
  it("a type crosses no wall either", () => {
    assert.deepEqual(wallsHitBy("src/page/typed.ts"), ["room-page"]);
  });
  for (const [importer, imported] of good) {
    it(`${importer} may import ${imported}`, () => assert.deepEqual(wallsHitBy(importer), []));
  }
});

describe("the house", () => {
  const { modules, summary } = cruise(root);

  it("has no import across a wall", () => {
    const found = summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`);
    assert.deepEqual(found, []);
  });
  it("was read to the last file", () => {
    const read = new Set(modules.map((module) => module.source));
    const files = globSync("{src,test,bench,scripts,examples}/**/*.ts", { cwd: root });
    assert.ok(files.length > 30, `only ${files.length} files`);
    assert.deepEqual(
      files.filter((file) => !read.has(file)),
      [],
    );
  });
});
