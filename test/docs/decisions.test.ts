import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const docs = join(import.meta.dirname, "../../docs");

test("every decision has a number of its own, in its name, its title and on the index", () => {
  const index = readFileSync(join(docs, "README.md"), "utf8");
  const files = readdirSync(join(docs, "adr")).sort();
  assert.deepEqual(
    files.map((file) => Number(file.slice(0, 4))),
    files.map((_, place) => place + 1),
  );
  for (const [place, file] of files.entries()) {
    const [title = ""] = readFileSync(join(docs, "adr", file), "utf8").split("\n", 1);
    const words = /^# (\d+)\. (.+)$/.exec(title) ?? assert.fail(`${file}: ${title}`);
    assert.equal(words[1], String(place + 1), file);
    assert.ok(index.includes(`- ADR ${words[1]}: [${words[2]}](adr/${file})\n`), `${title} is not on the index`);
  }
});
