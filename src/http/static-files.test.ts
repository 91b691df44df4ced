import assert from "node:assert/strict";
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { readStaticFiles, staticAnswer } from "./static-files.ts";
import { aSite, get } from "./testing/a-site.ts";

async function aFolder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "static-"));
  t.after(() => rm(dir, { recursive: true }));
  await mkdir(join(dir, "web/img"), { recursive: true });
  await writeFile(join(dir, "secret.txt"), "secret");
  await writeFile(join(dir, "web/main.css"), "body{}");
  await writeFile(join(dir, "web/img/a b.svg"), "<svg/>");
  await writeFile(join(dir, "web/.hidden"), "hidden");
  await writeFile(join(dir, "web/unknown.xyz"), "?");
  return dir;
}

test("serves files with their type, an ETag and a time to live", async (t) => {
  const dir = await aFolder(t);
  const { send } = await aSite(t, [], { staticFiles: [{ prefix: "/static", dir: join(dir, "web") }] });
  const css = await send(get("/dex/static/main.css"));
  assert.deepEqual([css.status, css.body], [200, "body{}"]);
  assert.equal(css.headers["content-type"], "text/css; charset=utf-8");
  assert.equal(css.headers["cache-control"], "public, max-age=300");
  assert.equal(css.headers["x-content-type-options"], "nosniff");
  assert.match(css.headers.etag ?? "", /^"[\w-]{27}"$/);
  assert.equal((await send(get("/dex/static/img/a%20b.svg"))).headers["content-type"], "image/svg+xml");
  assert.equal((await send(get("/dex/static/unknown.xyz"))).headers["content-type"], "application/octet-stream");
  assert.equal((await send("HEAD /dex/static/main.css HTTP/1.1")).body, "");
  const posted = await send("POST /dex/static/main.css HTTP/1.1\nContent-Length: 0");
  assert.deepEqual([posted.status, posted.headers.allow], [405, "GET, HEAD"]);
  for (const condition of [css.headers.etag, `W/${css.headers.etag}`, `"x", ${css.headers.etag}`, "*"]) {
    const again = await send(get("/dex/static/main.css", `If-None-Match: ${condition}`));
    assert.deepEqual([again.status, again.body, again.headers.etag], [304, "", css.headers.etag]);
    assert.equal(again.headers["content-type"], undefined);
  }
  assert.equal((await send(get("/dex/static/main.css", 'If-None-Match: "old"'))).status, 200);
});

test("robots.txt keeps everybody out", async (t) => {
  const { send } = await aSite(t, []);
  const reply = await send(get("/dex/robots.txt"));
  assert.deepEqual([reply.status, reply.body], [200, "User-agent: *\nDisallow: /\n"]);
  assert.equal(reply.headers["content-type"], "text/plain; charset=utf-8");
});

test("no listing, no way out, no second spelling", async (t) => {
  const dir = await aFolder(t);
  const { send } = await aSite(t, [], { staticFiles: [{ prefix: "/static", dir: join(dir, "web") }] });
  const paths = [
    "/static",
    "/static/",
    "/static/img",
    "/static/img/",
    "/staticmain.css",
    "/static//main.css",
    "/static/./main.css",
    "/static/../secret.txt",
    "/static/%2e%2e/secret.txt",
    "/static/..%2fsecret.txt",
    "/static/%252e%252e/secret.txt",
    "/static/..\\secret.txt",
    "/static/..%5csecret.txt",
    "/static/img/../main.css",
    "/static/main.css%00",
    "/static/main.css%00.png",
    "/static/main.css/",
    "/static/.hidden",
    "/static/%zz",
    "/Static/main.css",
  ];
  for (const path of paths) {
    const reply = await send(get(`/dex${path}`));
    assert.deepEqual([reply.status, reply.body], [404, "404 page not found\n"], path);
  }
});

test("property: no path finds anything but the files below the mount", async (t) => {
  const dir = await aFolder(t);
  const files = await readStaticFiles("", [{ prefix: "/static", dir: join(dir, "web") }]);
  const piece = fc.constantFrom(
    "/static",
    "/",
    "..",
    "%2e",
    "%2f",
    "\\",
    "%5c",
    "%00",
    "main.css",
    "secret.txt",
    "img",
    "%",
  );
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      assert.doesNotMatch(String(staticAnswer(files, "GET", pieces.join(""), undefined).body), /secret|hidden/);
    }),
    { numRuns: 1000 },
  );
});

test("follows the links of a Kubernetes mount, and reads anew when told", async (t) => {
  const dir = await aFolder(t);
  const mount = join(dir, "theme");
  await mkdir(join(mount, "..v1"), { recursive: true });
  await writeFile(join(mount, "..v1/styles.css"), "one");
  await symlink("..v1", join(mount, "..data"));
  await symlink("..data/styles.css", join(mount, "styles.css"));
  const { send, reload } = await aSite(t, [], { staticFiles: [{ prefix: "/theme", dir: mount }] });
  assert.equal((await send(get("/dex/theme/styles.css"))).body, "one");
  assert.equal((await send(get("/dex/theme/..data/styles.css"))).status, 404);
  await mkdir(join(mount, "..v2"));
  await writeFile(join(mount, "..v2/styles.css"), "two");
  await symlink("..v2", join(mount, "..tmp"));
  await rename(join(mount, "..tmp"), join(mount, "..data"));
  await reload();
  assert.equal((await send(get("/dex/theme/styles.css"))).body, "two");
  await rename(mount, `${mount}-gone`);
  await assert.rejects(reload());
  assert.equal((await send(get("/dex/theme/styles.css"))).body, "two");
});

test("a folder that is missing or nested without end fails the start", async (t) => {
  const dir = await aFolder(t);
  await assert.rejects(readStaticFiles("", [{ prefix: "/static", dir: join(dir, "nothing") }]), { code: "ENOENT" });
  await symlink("..", join(dir, "web/loop"));
  await assert.rejects(readStaticFiles("", [{ prefix: "/static", dir: join(dir, "web") }]), /nested too deeply/);
});
