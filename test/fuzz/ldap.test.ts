/** A short run of the fuzzer, from another place each time; a failure names its seed. */
import { randomInt } from "node:crypto";
import { test } from "node:test";
import { fuzz, targets } from "./ldap.ts";

test("nothing that reads LDAP breaks over junk", () => {
  fuzz(5_000 * Object.keys(targets).length, randomInt(1_000_000_000));
});
