import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { openBreachedPasswords } from "./breached-passwords.ts";

const folder = await mkdtemp(join(tmpdir(), "breached-"));
after(() => rm(folder, { recursive: true }));

const sorted = (lines: readonly string[]): string =>
  `${lines
    .map((line) => Buffer.from(line))
    .toSorted(Buffer.compare)
    .join("\n")}\n`;
const sha1 = (text: string): string => createHash("sha1").update(text).digest("hex").toUpperCase();

let count = 0;
async function listOf(content: string) {
  const path = join(folder, `${++count}.txt`);
  await writeFile(path, content);
  return openBreachedPasswords(path);
}

test("a plain list has its lines and nothing between them", async () => {
  const line = fc.string({ unit: fc.constantFrom(..."abcé1 :"), minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(line, { minLength: 1, maxLength: 60 }), line, async (lines, other) => {
      const list = await listOf(sorted(lines));
      for (const each of lines) assert.equal(await list.has(each), true, each);
      assert.equal(await list.has(other), lines.includes(other));
      await list.close();
    }),
    { numRuns: 60 },
  );
});

test("hashes, with counts, in either case, whole or only their beginnings", async () => {
  const known = Array.from({ length: 500 }, (_, i) => `password${i}`);
  for (const write of [
    (text: string) => sha1(text),
    (text: string) => `${sha1(text)}:${text.length}`,
    (text: string) => sha1(text).toLowerCase(),
    (text: string) => sha1(text).slice(0, 12),
  ]) {
    const list = await listOf(sorted(known.map(write)));
    for (const each of known) assert.equal(await list.has(each), true, each);
    for (let i = 500; i < 600; i++) assert.equal(await list.has(`password${i}`), false);
    await list.close();
  }
});

test("line ends of another system, and a last line without one", async () => {
  const list = await listOf("alpha\r\nbeta\r\ngamma");
  for (const word of ["alpha", "beta", "gamma"]) assert.equal(await list.has(word), true);
  for (const word of ["alph", "delta", "gammas", ""]) assert.equal(await list.has(word), false);
  await list.close();
});

test("a list that could not be searched is refused at the start", async () => {
  const backwards = Array.from({ length: 100 }, (_, i) => `p${String(999 - i)}`).join("\n");
  await assert.rejects(listOf(backwards), /not sorted/);
  await assert.rejects(listOf(""), /empty/);
  await assert.rejects(openBreachedPasswords(join(folder, "missing")), /ENOENT/);
});
