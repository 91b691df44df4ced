import assert from "node:assert/strict";
import { test } from "node:test";
import { startHints } from "./start-hints.ts";

test("only AMD's processors without AVX-512 IFMA are told of", () => {
  const always = { MALLOC_ARENA_MAX: "2" };
  const told = { ...always, OPENSSL_ia32cap: ":~0x80000" };
  assert.deepEqual(
    startHints(() => "vendor_id\t: AuthenticAMD\nflags\t: adx avx2"),
    told,
  );
  assert.deepEqual(
    startHints(() => "vendor_id\t: AuthenticAMD\nflags\t: adx avx512ifma"),
    always,
  );
  assert.deepEqual(
    startHints(() => "vendor_id\t: GenuineIntel\nflags\t: adx avx2"),
    always,
  );
  assert.deepEqual(
    startHints(() => {
      throw new Error("ENOENT");
    }),
    always,
  );
});
