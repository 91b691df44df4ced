/** The cookie is a stranger's text until it opens. compat(dex): server/session, server/internal/cookie.go. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { HttpAnswer, HttpRequest } from "../http/contract.ts";
import { Secret } from "../kernel/secret.ts";
import { createSessionCookies } from "./session-cookie.ts";

const cookiesWith = (key?: string) =>
  createSessionCookies({
    name: "dex_session",
    issuer: "https://dex.example/dex",
    absoluteLifetime: 86_400_000,
    hasStateFrame: false,
    ...(key === undefined ? {} : { encryptionKey: new Secret(key) }),
  });
const codecs = [undefined, "k".repeat(16), "k".repeat(24), "k".repeat(32)].map(cookiesWith);
const bringing = (value: string) => ({ cookies: { dex_session: value } }) as unknown as HttpRequest;
const nothing: HttpAnswer = { status: 200, headers: {}, body: "" };

/** The value that a session is given. */
function valueFor(cookies: (typeof codecs)[number], id: string, secret: string): string {
  const request = bringing("");
  cookies.holderOf(request).hold({ id, secret }, false);
  const set = String(
    Object.entries(cookies.finish(request, nothing).headers).find(([name]) => /^set-cookie$/i.test(name))?.[1],
  );
  return /dex_session=([^;]*)/.exec(set)?.[1] ?? assert.fail(set);
}

const part = fc.string({ unit: "grapheme", minLength: 1 }).filter((text) => text.isWellFormed());

test("a session comes back as it went, under every size of key", () => {
  fc.assert(
    fc.property(fc.constantFrom(...codecs), part, part, (cookies, id, secret) => {
      const value = valueFor(cookies, id, secret);
      assert.match(value, /^[\w-]+$/);
      assert.deepEqual(cookies.holderOf(bringing(value)).presented, { id, secret });
    }),
  );
});

test("any other text is no session, and is taken back", () => {
  const alike = fc.oneof(
    fc.string(),
    fc.base64String(),
    fc.uint8Array().map((bytes) => Buffer.from(bytes).toString("base64url")),
  );
  fc.assert(
    fc.property(fc.constantFrom(...codecs.slice(1)), alike, (cookies, value) => {
      const request = bringing(value);
      assert.equal(cookies.holderOf(request).presented, undefined);
      const { headers } = cookies.finish(request, nothing);
      if (value !== "") assert.match(JSON.stringify(headers), /dex_session=; Path=\/dex; Max-Age=0; HttpOnly; Secure/);
    }),
  );
  fc.assert(
    fc.property(alike, (value) => {
      const read = cookiesWith().holderOf(bringing(value)).presented;
      if (read !== undefined) assert.ok(read.id !== "" && read.secret !== "");
    }),
  );
});

test("a changed bit opens nothing, and neither does another key", () => {
  const [, , , cookies = assert.fail()] = codecs;
  fc.assert(
    fc.property(part, part, fc.nat(), fc.integer({ min: 0, max: 7 }), (id, secret, at, bit) => {
      const value = valueFor(cookies, id, secret);
      const bytes = Buffer.from(value, "base64url");
      const index = at % bytes.length;
      bytes[index] = (bytes[index] ?? 0) ^ (1 << bit);
      assert.equal(cookies.holderOf(bringing(bytes.toString("base64url"))).presented, undefined);
      assert.equal(cookiesWith("j".repeat(32)).holderOf(bringing(value)).presented, undefined);
      assert.equal(cookies.holderOf(bringing(`${value}=`)).presented, undefined);
    }),
  );
});
