import assert from "node:assert/strict";
import { test } from "node:test";
import { audienceScope } from "../oauth/scope.ts";
import { trustedBy } from "./trusted-peers.ts";

const asked = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => audienceScope(`peer${index}`));

test("each foreign audience is read once, and a flood of them not at all", async () => {
  let reads = 0;
  const clients = {
    get: async () => {
      reads++;
      return undefined;
    },
  };
  await trustedBy("app", [...asked(3), ...asked(3), audienceScope("app")], clients);
  assert.equal(reads, 3);
  assert.equal((await trustedBy("app", asked(10_000), clients)).size, 0);
  assert.equal(reads, 3);
});
