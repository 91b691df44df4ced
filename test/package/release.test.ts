/** `make release`: archives that unpack to something that runs, and a bill of materials of what is inside. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { z } from "zod";
import { writeRelease } from "../../scripts/package/release.ts";

const folder = mkdtempSync(join(tmpdir(), "dex-release-test-"));
after(() => rmSync(folder, { recursive: true }));
const files = await writeRelease(folder, "1.2.3-test");
const env = { PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ""}` };
const run = (command: string, ...args: string[]): string => {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: folder, env, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return stdout;
};

test("the checksums are those of the files", () => {
  assert.equal(files.length, 4);
  assert.equal(run("sha256sum", "-c", "SHA256SUMS").match(/: OK$/gm)?.length, 3);
});

test("the bundle unpacks to a command that runs, and the manifests come along", () => {
  for (const file of files.filter((name) => name.endsWith(".tar.gz"))) run("tar", "-xzf", file);
  assert.match(run(join(folder, "dex-1.2.3-test/bin/dex"), "version"), /^Dex Version: 1\.2\.3-test\n/);
  assert.match(readFileSync(join(folder, "dex-1.2.3-test-deploy/kubernetes/role.yaml"), "utf8"), /kind: Role/);
});

test("the bill of materials names what ships and no tool of development", () => {
  const name = files.find((file) => file.endsWith(".cdx.json")) ?? "";
  const bill = z
    .object({
      bomFormat: z.literal("CycloneDX"),
      serialNumber: z.string().regex(/^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
      metadata: z.object({
        component: z.object({
          type: z.literal("application"),
          name: z.literal("dex"),
          version: z.literal("1.2.3-test"),
          purl: z.undefined().optional(),
        }),
      }),
      components: z.array(z.object({ name: z.string(), version: z.string() })),
    })
    .parse(JSON.parse(readFileSync(join(folder, name), "utf8")));
  const names = bill.components.map((component) => component.name);
  for (const shipped of ["yaml", "zod", "pg"]) assert.ok(names.includes(shipped), shipped);
  for (const tool of ["typescript", "esbuild", "samlp"]) assert.ok(!names.includes(tool), tool);
});

test("a second run on one commit writes the same bytes", async (t) => {
  const again = mkdtempSync(join(tmpdir(), "dex-release-again-"));
  t.after(() => rmSync(again, { recursive: true }));
  await writeRelease(again, "1.2.3-test");
  assert.equal(readFileSync(join(again, "SHA256SUMS"), "utf8"), readFileSync(join(folder, "SHA256SUMS"), "utf8"));
});
