import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseCompactJws } from "./compact-jws.ts";

const encode = (text: string | Uint8Array): string => Buffer.from(text).toString("base64url");
const good = { alg: "RS256", kid: "a" };
const token = (header: string | object, payload = "e30", signature = "AAAA"): string =>
  `${encode(typeof header === "string" ? header : JSON.stringify(header))}.${payload}.${signature}`;

test("takes a token apart", () => {
  const jws = parseCompactJws(token({ ...good, typ: "JWT" }, encode('{"a":1}'), "_-8A"));
  assert.ok(jws);
  assert.deepEqual(
    [jws.alg, jws.kid, jws.payload.toString(), jws.signature.toString("hex")],
    ["RS256", "a", '{"a":1}', "ffef00"],
  );
  assert.equal(jws.signingInput, `${encode(JSON.stringify({ ...good, typ: "JWT" }))}.${encode('{"a":1}')}`);
});

test("refuses what has another spelling or another shape", () => {
  const whole = token(good);
  const cases: Readonly<Record<string, string>> = {
    empty: "",
    dots: "..",
    "two parts": whole.slice(0, whole.lastIndexOf(".")),
    "four parts": `${whole}.AAAA`,
    "five parts": `${whole}.AAAA.AAAA`,
    "leading dot": `.${whole}`,
    padding: token(good, "e30="),
    "plus instead of minus": token(good, "e30", "+_8A"),
    "slash instead of underscore": token(good, "e30", "-/8A"),
    "unused bits": token(good, "e31"),
    "a lonely character": token(good, "e30", "AAAAA"),
    "line break": `${whole}\n`,
    "space in front": ` ${whole}`,
    "header no JSON": token("{"),
    "header an array": token([good]),
    "header null": token("null"),
    "header a string": token('"alg"'),
    "header no UTF-8": `${encode(Uint8Array.of(0xff))}.e30.AAAA`,
    "no kid": token({ alg: "RS256" }),
    "kid a number": token({ alg: "RS256", kid: 1 }),
    "no alg": token({ kid: "a" }),
    "alg an array": token({ alg: ["RS256"], kid: "a" }),
    "alg none": token({ alg: "none", kid: "a" }),
    "alg HS256": token({ alg: "HS256", kid: "a" }),
    "alg in lower case": token({ alg: "rs256", kid: "a" }),
    "alg of Object": token({ alg: "constructor", kid: "a" }),
    "critical extension": token({ ...good, crit: ["b64"], b64: false }),
    "empty crit": token({ ...good, crit: [] }),
    "header beyond reason": token({ ...good, pad: "x".repeat(1_024) }),
    "token beyond reason": token(good, "A".repeat(262_144)),
  };
  for (const [what, jwt] of Object.entries(cases)) assert.equal(parseCompactJws(jwt), undefined, what);
  assert.ok(parseCompactJws(whole));
});

test("any text and any bytes are a token or undefined, never a fault", () => {
  const part = fc.oneof(fc.uint8Array({ maxLength: 60 }).map(encode), fc.string({ unit: "binary" }), fc.base64String());
  const header = fc.oneof(
    part,
    fc.json().map(encode),
    fc.dictionary(fc.constantFrom("alg", "kid", "crit"), fc.jsonValue()).map((h) => encode(JSON.stringify(h))),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: "binary" }),
        fc.tuple(header, part, part).map((parts) => parts.join(".")),
      ),
      (jwt) => {
        const jws = parseCompactJws(jwt);
        // What is accepted has no other spelling.
        if (jws !== undefined) assert.equal(`${jws.signingInput}.${encode(jws.signature)}`, jwt);
      },
    ),
    { numRuns: 1_000 },
  );
});
