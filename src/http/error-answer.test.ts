import assert from "node:assert/strict";
import { test } from "node:test";
import { TooManyAttemptsError, UnavailableError } from "../kernel/errors.ts";
import { OAuthError } from "../oauth/error.ts";
import { MalformedError, PageError } from "./contract.ts";
import { asOAuthError, type ErrorPlace, errorAnswer, logError } from "./error-answer.ts";
import { type LogLine, listLogger } from "./testing/a-site.ts";

const aPlace = (surface: "json" | "page"): ErrorPlace => ({
  surface,
  path: "/dex/token",
  traceId: "t1",
  uiLocales: ["de"],
  acceptLanguage: "fr",
  render: (page) => JSON.stringify(page),
});
const asJson = (error: unknown) => errorAnswer(asOAuthError(error), aPlace("json"));
const asPage = (error: unknown) => errorAnswer(asOAuthError(error), aPlace("page"));

test("machines read RFC 6749 §5.2 JSON", () => {
  const cases: readonly (readonly [unknown, number, string])[] = [
    [
      new OAuthError("invalid_grant", "code <expired>"),
      400,
      '{"error":"invalid_grant","error_description":"code \\u003cexpired\\u003e"}',
    ],
    [new OAuthError("invalid_request", ""), 400, '{"error":"invalid_request"}'],
    [
      new OAuthError("invalid_client", "Invalid client credentials."),
      401,
      '{"error":"invalid_client","error_description":"Invalid client credentials."}',
    ],
    [
      new MalformedError("too many parameters"),
      400,
      '{"error":"invalid_request","error_description":"too many parameters"}',
    ],
    [
      new PageError(404, "refusal.clientUnknown"),
      404,
      '{"error":"invalid_request","error_description":"Invalid client_id."}',
    ],
    [new Error("password is hunter2"), 500, '{"error":"server_error"}'],
    ["thrown text", 500, '{"error":"server_error"}'],
    [undefined, 500, '{"error":"server_error"}'],
  ];
  for (const [error, status, body] of cases) {
    const answer = asJson(error);
    assert.deepEqual([answer.status, answer.body], [status, body]);
    assert.equal(answer.headers["content-type"], "application/json");
    assert.equal(answer.headers["cache-control"], "no-store");
    assert.equal(answer.headers.pragma, "no-cache");
  }
});

test("401 challenges a machine, never a person", () => {
  assert.equal(asJson(new OAuthError("invalid_client", "x")).headers["www-authenticate"], 'Basic realm="dex"');
  assert.equal(asJson(new OAuthError("invalid_client", "x", { status: 400 })).headers["www-authenticate"], undefined);
  assert.equal(
    asJson(new OAuthError("invalid_token", 'bad "token"\n')).headers["www-authenticate"],
    `Bearer realm="dex", error="invalid_token", error_description="bad 'token''"`,
  );
  assert.equal(
    asJson(new OAuthError("insufficient_scope", "")).headers["www-authenticate"],
    'Bearer realm="dex", error="insufficient_scope"',
  );
  assert.equal(asJson(new OAuthError("invalid_grant", "x")).headers["www-authenticate"], undefined);
  assert.equal(asPage(new OAuthError("invalid_client", "x")).headers["www-authenticate"], undefined);
});

test("people read a sentence of the catalogues, and the protocol's words where those are for somebody else", () => {
  const place = { traceId: "t1", path: "/dex/token", uiLocales: ["de"], acceptLanguage: "fr" };
  const cases: readonly (readonly [unknown, number, object])[] = [
    [new PageError(403, "refusal.groups"), 403, { sentence: "refusal.groups" }],
    [new OAuthError("invalid_scope", "No scope."), 400, { sentence: "refusal.refused", detail: "No scope." }],
    [new OAuthError("access_denied", "No."), 400, { sentence: "refusal.denied" }],
    [new MalformedError("too many"), 400, { sentence: "refusal.unreadable", detail: "too many" }],
    [new TooManyAttemptsError(90_000), 429, { sentence: "refusal.away", wait: 90 }],
    [new UnavailableError("storage", "gone"), 503, { sentence: "refusal.away" }],
    [new Error("password is hunter2"), 500, { sentence: "refusal.fault" }],
  ];
  for (const [error, status, page] of cases) {
    const answer = asPage(error);
    assert.deepEqual([answer.status, JSON.parse(String(answer.body))], [status, { status, ...page, ...place }]);
  }
  const fault = asPage(new Error("password is hunter2"));
  assert.equal(fault.status, 500);
  assert.match(String(fault.body), /"sentence":"refusal.fault"/);
  assert.doesNotMatch(String(fault.body), /hunter2/);
});

test("a dead dependency is 503 with Retry-After on both surfaces", () => {
  for (const answer of [
    asJson(new UnavailableError("storage", "dial 10.0.0.5")),
    asPage(new UnavailableError("storage", "dial 10.0.0.5")),
  ]) {
    assert.equal(answer.status, 503);
    assert.equal(answer.headers["retry-after"], "5");
    assert.doesNotMatch(String(answer.body), /10\.0\.0\.5/);
  }
});

test("one log line each, loud only for faults of ours", () => {
  const cause = new Error("boom");
  const cases: readonly (readonly [unknown, LogLine["level"], unknown])[] = [
    [cause, "error", cause],
    [new OAuthError("server_error", "x", { cause }), "error", cause],
    [new UnavailableError("storage", "gone"), "warn", undefined],
    [new PageError(400, "refusal.session"), "info", undefined],
    [new OAuthError("invalid_grant", "x", { detail: "code unknown" }), "info", undefined],
    [new OAuthError("authorization_pending", ""), "debug", undefined],
    [new OAuthError("slow_down", ""), "debug", undefined],
  ];
  for (const [error, level, logged] of cases) {
    const lines: LogLine[] = [];
    logError(listLogger(lines), asOAuthError(error), "POST", "/dex/token");
    assert.deepEqual(
      lines.map((line) => line.level),
      [level],
    );
    if (logged !== undefined) assert.equal(lines[0]?.cause, logged);
  }
});
