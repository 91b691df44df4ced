import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { z } from "zod";
import { BadAnswerError, UnavailableError } from "../../kernel/errors.ts";
import { numericId, parseJson } from "./json.ts";
import { readJson } from "./read-json.ts";

test("integers beyond a double stay what they are", () => {
  assert.deepEqual(parseJson('{"id":9007199254740993,"n":1.5,"big":1e300,"text":"12345678901234567890"}'), {
    id: 9007199254740993n,
    n: 1.5,
    big: 1e300,
    text: "12345678901234567890",
  });
  assert.deepEqual(parseJson("[-12345678901234567890, 1234567890123456.5]"), [
    -12345678901234567890n,
    1234567890123456.5,
  ]);
});

test("ids are plain decimal text, exact", () => {
  const id = (text: string) => numericId.safeParse(parseJson(text)).data;
  assert.equal(id("9007199254740993"), "9007199254740993");
  assert.equal(id("1000000"), "1000000");
  for (const wrong of ["0", "-1", "1.5", "true", "null", '"1"', "{}", "1e999"])
    assert.equal(id(wrong), undefined, wrong);
});

test("every integer survives", () => {
  fc.assert(
    fc.property(fc.bigInt(), (integer) => assert.equal(String(parseJson(integer.toString())), integer.toString())),
  );
});

test("JSON without large numbers means what it means to everybody", () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      fc.pre(!/\d{16}/.test(text));
      assert.deepEqual(parseJson(text), JSON.parse(text));
    }),
  );
});

test("what is no JSON fails without being quoted", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        parseJson(text);
      } catch (error) {
        assert.equal((error as Error).message, "not JSON");
      }
    }),
  );
});

const schema = z.object({ id: z.string(), emails: z.array(z.object({ address: z.string() })) });
const answer = (body: string, status = 200): Response => new Response(body, { status });
const message = (pattern: RegExp, type: typeof BadAnswerError | typeof UnavailableError) => (error: unknown) =>
  error instanceof type && pattern.test(error.message);

test("an answer meets its schema, and an error names the place and never the value", async () => {
  const right = '{"id":"1","emails":[{"address":"a"}],"more":1}';
  assert.deepEqual(await readJson(answer(right), schema, "x"), { id: "1", emails: [{ address: "a" }] });
  const wrong = answer('{"id":"1","emails":[{"address":{"hunter2":1}}]}');
  await assert.rejects(
    readJson(wrong, schema, "x: user"),
    message(/^x: user: unexpected type of "emails\.0\.address"$/, BadAnswerError),
  );
  await assert.rejects(readJson(answer("<html>"), schema, "x"), message(/no JSON/, BadAnswerError));
  await assert.rejects(readJson(answer(""), schema, "x"), message(/no JSON/, BadAnswerError));
});

test("a refusal tells what the upstream says in the usual places, in one line", async () => {
  const said = '{"error":{"message":"no\\nway"},"error_description":"d","secret":"hunter2"}';
  await assert.rejects(
    readJson(answer(said, 403), schema, "x"),
    message(/^x: status 403: "no\\nway" "d"$/, BadAnswerError),
  );
  await assert.rejects(readJson(answer("hunter2", 404), schema, "x"), message(/^x: status 404$/, BadAnswerError));
});

test("429 and 5xx say that the upstream is away", async () => {
  for (const status of [429, 500, 502, 503])
    await assert.rejects(
      readJson(answer("", status), schema, "x"),
      message(new RegExp(`status ${status}`), UnavailableError),
    );
});
