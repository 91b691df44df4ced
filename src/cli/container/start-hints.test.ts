import assert from "node:assert/strict";
import { test } from "node:test";
import { startHints } from "./start-hints.ts";

test("only AMD's processors without AVX-512 IFMA are told of", () => {
  const told = { OPENSSL_ia32cap: ":~0x80000" };
  assert.deepEqual(
    startHints(() => "vendor_id\t: AuthenticAMD\nflags\t: adx avx2"),
    told,
  );
  assert.deepEqual(
    startHints(() => "vendor_id\t: AuthenticAMD\nflags\t: adx avx512ifma"),
    {},
  );
  assert.deepEqual(
    startHints(() => "vendor_id\t: GenuineIntel\nflags\t: adx avx2"),
    {},
  );
  assert.deepEqual(
    startHints(() => {
      throw new Error("ENOENT");
    }),
    {},
  );
});
