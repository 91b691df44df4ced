/** `make executable`: one file, on a machine without Node; a person can sign in. */
import assert from "node:assert/strict";
import { fork, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { writeExecutable } from "../../scripts/package/executable.ts";
import { configOf, logIn, serve } from "./served.ts";

const folder = mkdtempSync(join(tmpdir(), "dex-executable-"));
after(() => rmSync(folder, { recursive: true }));
const dex = join(folder, "dex");
await writeExecutable(dex, "1.2.3-test");
const cache = join(folder, "cache");
const env = { PATH: "/nowhere", XDG_CACHE_HOME: cache };

const bundles = (): readonly string[] => readdirSync(join(cache, "dex")).filter((name) => !name.startsWith("compile-"));

test("signs a person in, with threads and addon, and ends on SIGTERM; the second start unpacks nothing", async (t) => {
  writeFileSync(join(folder, "config.yaml"), configOf());
  for (const start of ["first", "second"]) {
    const served = await serve(t, dex, ["serve", "config.yaml"], { cwd: folder, env });
    assert.match(served.said(), /dex_version=1\.2\.3-test/, start);
    assert.equal((await logIn(served.port)).email, "admin@example.com");
    served.process.kill("SIGTERM");
    assert.equal(await served.ended, 0, served.said());
    assert.equal(bundles().length, 1, bundles().join());
  }
});

test("many that start at once unpack one bundle between them", async () => {
  const fresh = join(folder, "fresh");
  const starts = Array.from({ length: 4 }, () => {
    const { promise, resolve } = Promise.withResolvers<number | null>();
    const child = spawn(dex, ["version"], { env: { ...env, XDG_CACHE_HOME: fresh }, stdio: "ignore" });
    child.once("exit", resolve);
    return promise;
  });
  assert.deepEqual(await Promise.all(starts), [0, 0, 0, 0]);
  assert.equal(readdirSync(join(fresh, "dex")).filter((name) => name.startsWith("bundle-")).length, 1);
  assert.equal(readdirSync(join(fresh, "dex")).filter((name) => name.startsWith("unpacking-")).length, 0);
});

test("its options are its own, not Node's", () => {
  const { status, stdout, stderr } = spawnSync(dex, ["--version"], { env, encoding: "utf8" });
  assert.doesNotMatch(stdout, /^v\d+/, stdout);
  assert.match(`${status} ${stdout}${stderr}`, /dex|unknown/i);
});

test("does not run code from a folder that others can write to", () => {
  const [open, home] = [join(folder, "open"), join(folder, "home")];
  mkdirSync(join(open, "dex"), { recursive: true });
  chmodSync(join(open, "dex"), 0o777);
  const { status, stderr } = spawnSync(dex, ["version"], {
    env: { ...env, XDG_CACHE_HOME: open, HOME: home },
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  assert.deepEqual(readdirSync(join(open, "dex")), []);
  assert.ok(existsSync(join(home, ".cache/dex")));
  assert.equal(statSync(join(home, ".cache/dex")).mode & 0o077, 0);
});

test("says what to do where nothing can be written", () => {
  const file = join(folder, "config.yaml");
  const { status, stderr } = spawnSync(dex, ["version"], {
    env: { PATH: "/nowhere", XDG_CACHE_HOME: file, HOME: file, TMPDIR: file },
    encoding: "utf8",
  });
  assert.notEqual(status, 0);
  assert.match(stderr, /set XDG_CACHE_HOME/);
});

test("a process that the server forks gets its own entry", async (t) => {
  const [bundle = ""] = bundles().filter((name) => name.startsWith("bundle-"));
  const entry = join(cache, "dex", bundle, "lib/acceptor-child.mjs");
  const child = fork(entry, [JSON.stringify({ keytab: "/nowhere", principal: "HTTP/x@Y" })], {
    execPath: dex,
    execArgv: [],
    env,
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  t.after(() => child.kill());
  const [answer] = (await once(child, "message")) as [{ readonly kind: string }];
  // Without the addon it says that it is useless: either way it is the acceptor that speaks.
  assert.match(answer.kind, /^(ready|useless)$/);
});
