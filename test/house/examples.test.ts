/** An example that does not start is worse than none. test/browser signs a person in with dev.yaml. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";

const root = join(import.meta.dirname, "../..");
const examples = globSync("examples/**/*.yaml", { cwd: root });

describe("examples", () => {
  it("are there", () => assert.ok(examples.includes("examples/dev.yaml")));

  for (const file of examples) {
    it(`${file} is valid`, () => {
      const { status, stdout, stderr } = spawnSync(join(root, "bin/dex"), ["validate", file], {
        cwd: root,
        encoding: "utf8",
      });
      assert.equal(status, 0, stdout + stderr);
    });
  }
});
