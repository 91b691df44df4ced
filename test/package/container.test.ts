/** The image's file system, entered as a container engine would: as uid 1001, with nothing of this machine. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chownSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { writeBundle } from "../../scripts/package/bundle.ts";
import { layerSize, writeRootfs } from "../../scripts/package/rootfs.ts";
import { issuer } from "../spec/server-under-test.ts";
import { configOf, logIn, serve } from "./served.ts";

const user = "--userspec=1001:1001";
const env = { PATH: "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" };
const canMount = spawnSync("unshare", ["--mount", "true"]).status === 0;
const skip = process.getuid?.() === 0 ? false : "optional: only root may enter another file system and give files away";

describe("the container's file system", { skip }, async () => {
  if (skip !== false) return;
  const home = mkdtempSync(join(tmpdir(), "dex-container-"));
  after(() => rmSync(home, { recursive: true }));
  const [dist, rootfs] = [join(home, "dist"), join(home, "rootfs")];
  await writeBundle(dist, "1.2.3-test");
  await writeRootfs(rootfs, dist);
  writeFileSync(
    join(rootfs, "etc/dex/try.yaml"),
    configOf({
      issuer: '{{ getenv "ISSUER" }}',
      storage: { type: "sqlite3", config: { file: "/var/dex/dex.db" } },
    }),
  );
  const entry = "/usr/local/bin/docker-entrypoint";
  const enter = (...args: string[]) =>
    spawnSync("chroot", [user, rootfs, entry, ...args], { env, encoding: "utf8", timeout: 30_000 });

  it("is small, holds no shell and nothing that its user could change but its own folders", () => {
    assert.ok(layerSize(rootfs) < 80e6, `${layerSize(rootfs)} bytes compressed`);
    const files = globSync("**", { cwd: rootfs });
    assert.ok(!files.some((file) => /(^|\/)(sh|bash|busybox|npm|apt)$/.test(file)));
    const owned = files.filter((file) => statSync(join(rootfs, file)).uid === 1001);
    assert.deepEqual(owned.toSorted(), ["etc/dex", "etc/dex/config.docker.yaml", "var/dex"]);
    for (const file of files) {
      const { mode } = statSync(join(rootfs, file));
      assert.ok(file === "tmp" || (mode & 0o022) === 0, `${file} may be written by others`);
      assert.equal(mode & 0o6000, 0, `${file} is setuid`);
    }
    assert.ok(existsSync(join(rootfs, "srv/dex/web")), "Dex's folder of pages");
  });

  it("its commands work, and say what is wrong", () => {
    assert.match(enter("dex", "version").stdout, /^Dex Version: 1\.2\.3-test\n/);
    const bare = enter();
    assert.deepEqual([bare.status, bare.stdout, bare.stderr], [1, "error: no args passed to entrypoint\n", ""]);
    const broken = enter("dex", "serve", "none.yaml");
    assert.equal(broken.status, 1);
    assert.match(broken.stdout, /^error: none\.yaml: ENOENT/);
    assert.equal(enter("sh").status, 1);
  });

  it("its own configuration is valid", () => {
    // No program in there but ours: the rendered file is read back from /tmp.
    const { stderr } = enter("dex", "serve", "/etc/dex/config.docker.yaml", "--web-http-addr=nonsense");
    assert.doesNotMatch(stderr, /unknown key|invalid Config/);
    const [rendered = ""] = globSync("tmp/dex-*/config.docker.yaml", { cwd: rootfs });
    assert.match(readFileSync(join(rootfs, rendered), "utf8"), /file: \/var\/dex\/dex\.db/);
    const { status, stdout } = enter("dex", "validate", `/${rendered}`);
    assert.equal(status, 0, stdout);
  });

  it("signs a person in as process of the entry point's id, and ends on SIGTERM", async (t) => {
    const given = { ...env, ISSUER: issuer };
    const served = await serve(t, "chroot", [user, rootfs, entry, "dex", "serve", "try.yaml"], { env: given });
    assert.equal((await logIn(served.port)).email, "admin@example.com");
    served.process.kill("SIGTERM");
    assert.equal(await served.ended, 0, served.said());
    // Compiled code among the data would be kept with it, and carried to the next version.
    assert.deepEqual(readdirSync(join(rootfs, "var/dex")), ["dex.db"]);
  });

  it("starts with the code that it brings compiled", () => {
    const told = { ...env, NODE_DEBUG_NATIVE: "COMPILE_CACHE" };
    const args = [user, rootfs, "/usr/local/bin/dex", "version"];
    const { stderr, stdout } = spawnSync("chroot", args, { env: told, encoding: "utf8" });
    assert.match(`${stderr}${stdout}`, /code cache for [^\n]*dex\.mjs was accepted/);
  });

  it("needs to write to /tmp and its database alone", {
    skip: canMount ? false : "optional: no right to mount",
  }, async (t) => {
    const data = join(home, "data");
    mkdirSync(data);
    chownSync(data, 1001, 1001);
    const script = `set -e
mount --bind "$1" "$1" && mount -o remount,ro,bind "$1"
mount -t tmpfs -o mode=1777 tmpfs "$1/tmp" && mount --bind "$2" "$1/var/dex"
exec chroot ${user} "$1" ${entry} dex serve try.yaml`;
    const args = ["--mount", "sh", "-c", script, "sh", rootfs, data];
    const served = await serve(t, "unshare", args, { env: { ...env, ISSUER: issuer } });
    assert.equal((await logIn(served.port)).email, "admin@example.com");
    assert.ok(existsSync(join(data, "dex.db")));
    served.process.kill("SIGTERM");
    assert.equal(await served.ended, 0, served.said());
  });
});
