import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type HttpResponse, MalformedResponseError, ResponseParser } from "./response-parser.ts";

/** Feeds `wire` cut at `cuts`; every answer that came out, in order. */
function read(wire: string, cuts: readonly number[] = []): HttpResponse[] {
  const parser = new ResponseParser();
  const edges = [0, ...cuts.map((cut) => cut % (wire.length + 1)).sort((a, b) => a - b), wire.length];
  const answers: HttpResponse[] = [];
  for (let index = 1; index < edges.length; index++) {
    const answer = parser.push(wire.slice(edges[index - 1], edges[index]));
    if (answer !== undefined) answers.push(answer);
  }
  const last = parser.end();
  if (last !== undefined) answers.push(last);
  return answers;
}

const only = (answers: readonly HttpResponse[]): HttpResponse => {
  assert.equal(answers.length, 1);
  const [answer] = answers;
  assert.ok(answer);
  return answer;
};

const bytes = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 300,
});
const token = fc.stringMatching(/^[a-zA-Z0-9._~-]{1,20}$/);
const cased = (name: string) => fc.constantFrom(name, name.toLowerCase(), name.toUpperCase());

/** A response whose meaning is known, with its wire form in one of the four framings. */
const written = fc
  .record({
    interim: fc.constantFrom("", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
    status: fc.constantFrom(200, 302, 303, 400, 401, 500),
    location: fc.option(fc.webPath(), { nil: undefined }),
    setCookies: fc.array(token, { maxLength: 3 }),
    noise: fc.array(token, { maxLength: 3 }),
    names: fc.record({
      location: cased("Location"),
      cookie: cased("Set-Cookie"),
      length: cased("Content-Length"),
      coding: cased("Transfer-Encoding"),
    }),
    framing: fc.constantFrom("length", "chunked", "close", "none"),
    pieces: fc.array(bytes, { maxLength: 4 }),
    extension: fc.constantFrom("", ";a=b", " ; note"),
    trailer: fc.constantFrom("", "Expires: never\r\n"),
  })
  .map((made) => {
    const body = made.framing === "none" ? "" : made.pieces.join("");
    const status = made.framing === "none" ? 204 : made.status;
    const cookies = made.setCookies.map((value) => `${value}=${value}; Path=/`);
    const fields = [
      ...made.noise.map((value) => `X-${value}: ${value}`),
      ...(made.location === undefined ? [] : [`${made.names.location}: ${made.location}`]),
      ...cookies.map((value) => `${made.names.cookie}:${value}`),
      ...(made.framing === "length" ? [`${made.names.length}: ${body.length}`] : []),
      ...(made.framing === "chunked" ? [`${made.names.coding}: chunked`] : []),
    ];
    const chunks = made.pieces
      .filter((piece) => piece !== "")
      .map((piece) => `${piece.length.toString(16)}${made.extension}\r\n${piece}\r\n`);
    const payload = made.framing === "chunked" ? `${chunks.join("")}0\r\n${made.trailer}\r\n` : body;
    const wire = `${made.interim}HTTP/1.1 ${status} Some Reason\r\n${fields.map((field) => `${field}\r\n`).join("")}\r\n${payload}`;
    const expected: HttpResponse = {
      status,
      location: made.location?.trim(),
      setCookies: cookies,
      body,
      keepAlive: made.framing !== "close",
    };
    return { wire, expected };
  });

describe("the response parser", () => {
  it("reads the same response however the bytes are split", () => {
    fc.assert(
      fc.property(written, fc.array(fc.nat(), { maxLength: 12 }), ({ wire, expected }, cuts) => {
        assert.deepEqual(only(read(wire, cuts)), expected);
      }),
    );
  });

  it("reads the same response byte by byte", () => {
    fc.assert(
      fc.property(written, ({ wire, expected }) => {
        assert.deepEqual(
          only(
            read(
              wire,
              [...wire].map((_, index) => index),
            ),
          ),
          expected,
        );
      }),
      { numRuns: 30 },
    );
  });

  it("either answers or refuses, whatever the bytes, and alike for every split", () => {
    const outcome = (wire: string, cuts: readonly number[]): unknown => {
      try {
        return read(wire, cuts).at(0);
      } catch (error) {
        assert.ok(error instanceof MalformedResponseError);
        return "refused";
      }
    };
    const damaged = fc
      .tuple(written, fc.nat(), bytes)
      .map(
        ([{ wire }, at, junk]) =>
          wire.slice(0, at % (wire.length + 1)) + junk + wire.slice((at % (wire.length + 1)) + junk.length),
      );
    fc.assert(fc.property(damaged, fc.nat(), (wire, cut) => assert.deepEqual(outcome(wire, [cut]), outcome(wire, []))));
    fc.assert(fc.property(bytes, (wire) => assert.ok(wire === "" || outcome(wire, []) === "refused")));
  });

  it("reads one response after another", () => {
    const parser = new ResponseParser();
    assert.equal(parser.push("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na")?.body, "a");
    assert.ok(parser.isIdle);
    assert.equal(parser.push("HTTP/1.1 303 See Other\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n")?.location, "/b");
  });

  it("keeps several cookies apart", () => {
    const answer = only(
      read(
        "HTTP/1.1 200 OK\r\nset-cookie: a=1\r\nSet-Cookie: b=2; Expires=Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n",
      ),
    );
    assert.deepEqual(answer.setCookies, ["a=1", "b=2; Expires=Thu, 01 Jan 1970 00:00:00 GMT"]);
  });

  it("sees when the connection will not be kept", () => {
    const kept = (head: string): boolean => only(read(`${head}\r\nContent-Length: 0\r\n\r\n`)).keepAlive;
    assert.equal(kept("HTTP/1.1 200 OK"), true);
    assert.equal(kept("HTTP/1.1 200 OK\r\nConnection: close"), false);
    assert.equal(kept("HTTP/1.0 200 OK"), false);
    assert.equal(kept("HTTP/1.0 200 OK\r\nConnection: Keep-Alive"), true);
  });

  const refused: Readonly<Record<string, string>> = {
    "a greeting of another protocol": "220 mail.example ESMTP\r\n\r\n",
    "bytes after the body": "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab",
    "a length that is no number": "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "two different lengths": "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "two framings": "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "an unknown transfer coding": "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    "a chunk without its size": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n",
    "a chunk longer than its size": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
    "a header without a name": "HTTP/1.1 200 OK\r\n: x\r\n\r\n",
    "a body cut short": "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab",
    "a head cut short": "HTTP/1.1 200 OK\r\nContent-",
    "a head without end": `HTTP/1.1 200 OK\r\nX: ${"a".repeat(70_000)}`,
    "an unasked upgrade": "HTTP/1.1 101 Switching Protocols\r\n\r\n",
  };
  for (const [what, wire] of Object.entries(refused)) {
    it(`refuses ${what}`, () => assert.throws(() => read(wire), MalformedResponseError));
  }
});
