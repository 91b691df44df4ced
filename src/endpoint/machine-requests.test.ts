/** The parsers that strangers reach at the token endpoints: whatever comes, they refuse in OAuth's words or agree with the sender. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { HttpRequest } from "../http/contract.ts";
import { parseParams } from "../http/params.ts";
import { OAuthError } from "../oauth/error.ts";
import { readCredentials } from "./client-authentication.ts";
import { readMachineForm } from "./machine-form.ts";
import { bearerToken } from "./userinfo.ts";

const none = () => undefined;
const anyText = fc.oneof(fc.string(), fc.string({ unit: "binary" }));
const cleanText = fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\0") && text.isWellFormed());
const formEncoded = (text: string): string => new URLSearchParams({ x: text }).toString().slice(2);

/** What `read` gives, or undefined where it refused as a client may be told. */
function orRefused<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    assert.ok(error instanceof OAuthError, String(error));
    assert.match(error.description, /^[\x20-\x21\x23-\x5b\x5d-\x7e"]*$/);
    return undefined;
  }
}

test("any id and secret survive the Basic header, form-encoded: RFC 6749 §2.3.1", () => {
  fc.assert(
    fc.property(cleanText, cleanText, (id, secret) => {
      const header = `Basic ${Buffer.from(`${formEncoded(id)}:${formEncoded(secret)}`).toString("base64")}`;
      assert.deepEqual(readCredentials(header, none), { id, secret, method: "client_secret_basic" });
    }),
  );
});

test("any header is refused or read, and a Basic one never falls back to the body", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        anyText,
        anyText.map((text) => `Basic ${text}`),
      ),
      (header) => {
        const body = (name: string) => (name === "client_id" ? "public" : undefined);
        const read = orRefused(() => readCredentials(header, body));
        if (read !== undefined && /^basic( |$)/i.test(header)) assert.equal(read.method, "client_secret_basic");
      },
    ),
  );
});

const requestOf = (method: string, authorization: string | undefined, body: string) =>
  ({ method, headers: { authorization }, form: () => parseParams(body) }) as unknown as HttpRequest;

test("a bearer token is read as it was sent, and any other header is none", () => {
  const token = fc.stringMatching(/^[A-Za-z0-9\-._~+/]+=*$/);
  fc.assert(fc.property(token, (sent) => assert.equal(bearerToken(requestOf("GET", `Bearer ${sent}`, "")), sent)));
  fc.assert(
    fc.property(anyText, (header) => {
      const read = orRefused(() => bearerToken(requestOf("GET", header, "")));
      if (read !== undefined) assert.match(header, /^bearer /i);
    }),
  );
});

test("a form is read as it was sent; a repeated name is refused, but for those that may", () => {
  const pairs = fc.array(fc.tuple(fc.constantFrom("a", "b", "audience"), cleanText), { maxLength: 6 });
  fc.assert(
    fc.property(pairs, (sent) => {
      const body = new URLSearchParams(sent).toString();
      const form = orRefused(() => readMachineForm(requestOf("POST", undefined, body), () => ["audience"]));
      const count = (name: string) => sent.filter(([each]) => each === name).length;
      const isRepeated = count("a") > 1 || count("b") > 1;
      assert.equal(form === undefined, isRepeated);
      const values = (name: string) => sent.flatMap(([each, value]) => (each === name && value !== "" ? [value] : []));
      for (const name of form === undefined ? [] : ["a", "b", "audience"]) {
        assert.deepEqual(form?.all(name), values(name));
      }
    }),
  );
  fc.assert(
    fc.property(anyText, (body) => {
      orRefused(() => readMachineForm(requestOf("POST", undefined, body)));
    }),
  );
});
