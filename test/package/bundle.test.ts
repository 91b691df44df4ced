/** `make bundle`, moved away from the source and from its node_modules: complete, lazy, and a person can sign in. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { after, test } from "node:test";
import { Client, credentials } from "@grpc/grpc-js";
import type { Metafile } from "esbuild";
import { writeBundle } from "../../scripts/package/bundle.ts";
import { namespace } from "../../scripts/package/lazy-packages.ts";
import { buildVersion } from "../../scripts/package/version.ts";
import { freePort } from "../peer/peer.ts";
import { configOf, logIn, serve } from "./served.ts";

const folder = mkdtempSync(join(tmpdir(), "dex-bundle-"));
after(() => rmSync(folder, { recursive: true }));
const { metafile } = await writeBundle(folder, "1.2.3-test");
const env = { PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ""}` };

/** The chunks that `start` cannot do without. */
function always(outputs: Metafile["outputs"], start: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(start)) return seen;
  seen.add(start);
  for (const { path, kind, external } of outputs[start]?.imports ?? []) {
    if (kind === "import-statement" && external !== true) always(outputs, path, seen);
  }
  return seen;
}

/** The chunk that holds `input`, which must be one. */
function chunkOf(input: string): string {
  const found = Object.entries(metafile.outputs).filter(([, { inputs }]) => input in inputs);
  assert.equal(found.length, 1, `${input} is in ${found.length} chunks`);
  return found[0]?.[0] ?? "";
}

test("signs a person in, with threads, addon and styles found beside it, and ends on SIGTERM", async (t) => {
  writeFileSync(join(folder, "config.yaml"), configOf());
  const args = [join(folder, "dex.mjs"), "serve", "config.yaml"];
  const served = await serve(t, process.execPath, args, { cwd: folder, env });
  assert.match(served.said(), /dex_version=1\.2\.3-test/);
  assert.equal((await logIn(served.port)).email, "admin@example.com");
  served.process.kill("SIGTERM");
  assert.equal(await served.ended, 0, served.said());
});

test("its command works by itself and says this build's version", () => {
  const { stdout, stderr } = spawnSync(join(folder, "bin/dex"), ["version"], { cwd: "/", env, encoding: "utf8" });
  assert.match(stdout, /^Dex Version: 1\.2\.3-test\n/, stderr);
});

test("what is chosen by the configuration is in no chunk that every start reads", () => {
  const start = always(metafile.outputs, chunkOf("src/server/server.ts"));
  always(metafile.outputs, chunkOf("src/cli/serve.ts"), start as Set<string>);
  assert.ok(start.has(chunkOf("src/config/config.ts")));
  for (const lazy of [
    ...["etcd/etcd", "kubernetes/kubernetes", "mysql/mysql", "postgres/postgres", "sqlite/sqlite"].map(
      (name) => `src/storage/${name}.ts`,
    ),
    ...["ldap/ldap", "oidc/oidc", "saml/saml"].map((name) => `src/connector/${name}.ts`),
    "src/storage/kubernetes/credentials.ts",
    "src/telemetry/traces.ts",
  ]) {
    assert.ok(!start.has(chunkOf(lazy)), lazy);
  }
  const libraries = [...start].flatMap((chunk) => Object.keys(metafile.outputs[chunk]?.inputs ?? {}));
  for (const library of ["@grpc/grpc-js", "@kubernetes", "undici", "pg", "mysql2", "kerberos", "@opentelemetry"]) {
    assert.ok(!libraries.some((input) => input.includes(`node_modules/${library}/`)), library);
  }
});

test("a server begins with few files, for each costs half a millisecond", () => {
  const files = new Set<string>();
  const entries = ["cli/main", "cli/run", "cli/serve", "server/server", "connector/registry", "storage/sqlite/sqlite"];
  for (const entry of entries) {
    const found = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint === `src/${entry}.ts`);
    assert.ok(found, entry);
    always(metafile.outputs, found[0], files);
  }
  assert.ok(files.size <= 32, [...files].join("\n"));
});

test("no module of Node's own is asked for all it has: node:http would load undici", () => {
  for (const file of globSync("{dex.mjs,lib/*.mjs}", { cwd: folder })) {
    const text = readFileSync(join(folder, file), "utf8");
    const imported = [...text.matchAll(/^import .*from "(node:[^"]+)";$/gm)].map(([, name]) => name);
    // The banner's own.
    assert.deepEqual(
      [...new Set(imported)].filter((name) => name !== "node:module"),
      [],
      file,
    );
  }
});

test("every file it refers to is there, and none of the build's own paths", () => {
  const files = globSync("{dex.mjs,lib/*.mjs}", { cwd: folder });
  const root = join(import.meta.dirname, "../..");
  let references = 0;
  for (const file of files) {
    const text = readFileSync(join(folder, file), "utf8");
    assert.ok(!text.includes(root), `${file} names ${root}`);
    for (const [, target = ""] of text.matchAll(/new URL\("(\.[^"]+)", import\.meta\.url\)/g)) {
      references++;
      assert.ok(existsSync(join(folder, file, "..", target)), `${file} refers to ${target}`);
    }
  }
  assert.ok(references >= 5, `only ${references} references`);
});

test("a library that is loaded lazily has the names that Node gives it", async () => {
  const lazy = Object.entries(metafile.outputs).filter(([, { entryPoint }]) => entryPoint?.startsWith(`${namespace}:`));
  assert.ok(lazy.length >= 3, lazy.map(([chunk]) => chunk).join());
  for (const [chunk, { entryPoint = "" }] of lazy) {
    const name = entryPoint.slice(namespace.length + 1);
    const [ours, real] = (await Promise.all([import(join(folder, "lib", basename(chunk))), import(name)])) as [
      object,
      object,
    ];
    const expected = Object.keys(real).filter((key) => key !== "module.exports");
    assert.deepEqual(Object.keys(ours).toSorted(), [...new Set([...expected, "default"])].toSorted(), name);
  }
});

test("metrics, health and gRPC with reflection are served", async (t) => {
  const [telemetry, grpc] = [await freePort(), await freePort()];
  writeFileSync(
    join(folder, "all.yaml"),
    configOf({
      storage: { type: "memory" },
      telemetry: { http: `127.0.0.1:${telemetry}` },
      grpc: { addr: `127.0.0.1:${grpc}`, reflection: true },
    }),
  );
  const args = [join(folder, "dex.mjs"), "serve", "all.yaml"];
  await serve(t, process.execPath, args, { cwd: folder, env });
  const metrics = await fetch(`http://127.0.0.1:${telemetry}/metrics`);
  assert.match(await metrics.text(), /dex_build_info\{version="1\.2\.3-test"/);
  const client = new Client(`127.0.0.1:${grpc}`, credentials.createInsecure());
  t.after(() => client.close());
  const bytes = (value: Buffer): Buffer => value;
  // An empty VersionReq; the answer's first field is the server's name of itself.
  const answer = await new Promise<Buffer>((resolve, reject) => {
    client.makeUnaryRequest("/api.Dex/GetVersion", bytes, bytes, Buffer.alloc(0), (error, value) =>
      error === null && value !== undefined ? resolve(value) : reject(error),
    );
  });
  assert.match(answer.toString(), /1\.2\.3-test/);
});

test("etcd's protocol is read from beside the bundle", async (t) => {
  writeFileSync(
    join(folder, "etcd.yaml"),
    configOf({ storage: { type: "etcd", config: { endpoints: ["http://127.0.0.1:1"] } } }),
  );
  const args = [join(folder, "dex.mjs"), "serve", "etcd.yaml"];
  const served = await serve(t, process.execPath, args, { cwd: folder, env });
  const answer = await fetch(`http://127.0.0.1:${served.port}/dex/healthz`);
  assert.ok(answer.status >= 500);
  await answer.text();
  assert.match(served.said(), /etcd/);
  assert.doesNotMatch(served.said(), /ENOENT|no such file/);
});

test("a build is named by VERSION, or by the commit it is of", () => {
  const root = join(import.meta.dirname, "../..");
  assert.equal(buildVersion(root, "v4.5.6"), "4.5.6");
  assert.match(buildVersion(root, ""), /^\d+\.\d+\.\d+/);
});
