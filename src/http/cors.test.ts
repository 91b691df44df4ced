import assert from "node:assert/strict";
import { test } from "node:test";
import { type CorsRequest, corsRule } from "./cors.ts";

const app = "https://app.example";
const listed = corsRule({
  allowedOrigins: [app, "https://b.example"],
  allowedHeaders: ["authorization", "X-Requested-With"],
});
const any = corsRule({ allowedOrigins: ["https://b.example", "*"], allowedHeaders: ["Authorization"] });

const aRequest = (method: string, more: Partial<CorsRequest>): CorsRequest => ({
  method,
  origin: undefined,
  requestMethod: undefined,
  requestHeaders: undefined,
  ...more,
});

test("actual requests are handled, and marked where the origin is allowed", () => {
  const cases: readonly (readonly [typeof listed, string | undefined, string | undefined])[] = [
    [listed, undefined, undefined],
    [listed, "", undefined],
    [listed, "null", undefined],
    [listed, "https://evil.example", undefined],
    [listed, "https://APP.example", undefined],
    [listed, `${app}/`, undefined],
    [listed, app, app],
    [any, app, "*"],
    [any, "null", "*"],
    [any, undefined, undefined],
  ];
  for (const method of ["GET", "POST", "HEAD", "PUT", "DELETE"]) {
    for (const [rule, origin, allowOrigin] of cases) {
      assert.deepEqual(rule(aRequest(method, { origin })), { kind: "handle", allowOrigin }, `${method} ${origin}`);
    }
  }
});

test("preflights are answered here", () => {
  const allowed = { "access-control-allow-origin": app };
  const cases: readonly (readonly [Partial<CorsRequest>, number, Record<string, string>])[] = [
    [{}, 200, {}],
    [{ origin: "https://evil.example", requestMethod: "POST" }, 200, {}],
    [{ origin: app }, 400, {}],
    [{ origin: app, requestMethod: "" }, 405, {}],
    [{ origin: app, requestMethod: "PUT" }, 405, {}],
    [{ origin: app, requestMethod: "post" }, 405, {}],
    [{ origin: app, requestMethod: "GET" }, 200, allowed],
    [{ origin: app, requestMethod: "HEAD" }, 200, allowed],
    [{ origin: app, requestMethod: "POST" }, 200, allowed],
    [{ origin: app, requestMethod: "POST", requestHeaders: "" }, 200, allowed],
    [{ origin: app, requestMethod: "POST", requestHeaders: "accept, Accept-Language,origin" }, 200, allowed],
    [{ origin: app, requestMethod: "POST", requestHeaders: "X-Secret" }, 403, {}],
    [{ origin: app, requestMethod: "POST", requestHeaders: "authorization, x-secret" }, 403, {}],
    [{ origin: app, requestMethod: "POST", requestHeaders: "content-type" }, 403, {}],
    [
      { origin: app, requestMethod: "POST", requestHeaders: "accept, AUTHORIZATION ,x-requested-with" },
      200,
      { ...allowed, "access-control-allow-headers": "Authorization,X-Requested-With" },
    ],
  ];
  for (const [more, status, headers] of cases) {
    const answer = { status, headers, body: "" };
    assert.deepEqual(listed(aRequest("OPTIONS", more)), { kind: "answer", answer }, JSON.stringify(more));
  }
  const decision = any(aRequest("OPTIONS", { origin: app, requestMethod: "POST" }));
  assert.deepEqual(decision.kind === "answer" && decision.answer.headers, { "access-control-allow-origin": "*" });
});
