import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isHandleOf, userHandle, userOfHandle } from "./user-handle.ts";

const key = new Uint8Array(32).fill(3);
const id = fc.string({ unit: "grapheme", minLength: 1, maxLength: 80 });

test("a handle leads back to its person, at their connector alone, and shows nobody else who it is", () => {
  fc.assert(
    fc.property(id, fc.constantFrom("local", "ldap"), (userId, connectorId) => {
      const handle = userHandle({ userId, connectorId }, key);
      assert.ok(handle.length <= 64);
      assert.deepEqual(userHandle({ userId, connectorId }, key), handle);
      const isShort = Buffer.byteLength(userId) <= 48;
      assert.equal(userOfHandle(handle, connectorId, key), isShort ? userId : undefined);
      assert.equal(userOfHandle(handle, connectorId === "local" ? "ldap" : "local", key), undefined);
      if (userId.length > 3) assert.ok(!Buffer.from(handle).includes(userId));
    }),
  );
});

test("a handle is of its person, also where it cannot be read", () => {
  fc.assert(
    fc.property(id, id, (userId, other) => {
      const user = { userId, connectorId: "local" };
      assert.ok(isHandleOf(userHandle(user, key), user, key));
      assert.ok(isHandleOf(Buffer.from(`${userId}|local`), user, key));
      if (other !== userId) assert.ok(!isHandleOf(userHandle({ ...user, userId: other }, key), user, key));
    }),
  );
});

test("Dex's handles are read, those of another connector are not", () => {
  const handle = Buffer.from("a|b|local");
  assert.equal(userOfHandle(handle, "local", key), "a|b");
  assert.equal(userOfHandle(handle, "ldap", key), undefined);
  assert.equal(userOfHandle(Buffer.from("|local"), "local", key), undefined);
});

test("any bytes are read without a fault", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      assert.equal(userOfHandle(bytes, "nobody's", key), undefined);
    }),
  );
});
