import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { millis } from "../kernel/ports.ts";
import { OAuthError } from "../oauth/error.ts";
import { json, redirect, text } from "./answers.ts";
import type { Handler, HttpRequest, Route } from "./contract.ts";
import { setCookie } from "./cookies.ts";
import type { Observation } from "./site.ts";
import { aSite, exchange, get, heard, open, parseReply, post, talk } from "./testing/a-site.ts";

const aRoute = (path: string, handler: Handler, more: Partial<Route> = {}): Route => ({
  path,
  handler,
  surface: "json",
  ...more,
});

const echo = aRoute("/echo", (request) =>
  json(200, { method: request.method, query: request.rawQuery, body: Buffer.from(request.body).toString() }),
);

test("answers a form post with JSON and all default headers", async (t) => {
  const { send } = await aSite(t, [
    aRoute("/token", (request) => json(200, { grant: request.form().get("grant_type") })),
  ]);
  const reply = await send(post("/dex/token", "grant_type=password"));
  assert.equal(reply.status, 200);
  assert.equal(reply.body, '{"grant":"password"}');
  const { date, ...headers } = reply.headers;
  assert.ok(date);
  assert.deepEqual(headers, {
    "content-type": "application/json",
    "content-length": "20",
    "content-security-policy":
      "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data: https:; frame-ancestors 'none'; base-uri 'none'",
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "x-trace-id": "0102030405060708090a0b0c0d0e0f10",
    connection: "close",
  });
});

test("unknown paths are Dex's plain 404, with the security headers Dex leaves out", async (t) => {
  const { send } = await aSite(t, [echo]);
  for (const path of ["/", "/dex", "/dex/", "/dex/echo/", "//dex/echo", "/dex/Echo", "/dex/ech%6f", "/dex/%zz", "*"]) {
    const reply = await send(get(path));
    assert.deepEqual([reply.status, reply.body], [404, "404 page not found\n"], path);
    assert.equal(reply.headers["content-type"], "text/plain; charset=utf-8");
    assert.equal(reply.headers["x-frame-options"], "DENY");
  }
});

test("every method reaches the handler; HEAD is GET without a body", async (t) => {
  const { send } = await aSite(t, [echo]);
  for (const method of ["GET", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "PURGE", "TRACE"]) {
    const reply = await send(`${method} /dex/echo?a=1 HTTP/1.1`);
    assert.deepEqual(JSON.parse(reply.body), { method, query: "a=1", body: "" });
  }
  for (const method of ["POST", "PUT", "PROPFIND"]) {
    const reply = await send(`${method} /dex/echo HTTP/1.1\nContent-Length: 2\n\nhi`);
    assert.deepEqual(JSON.parse(reply.body), { method, query: "", body: "hi" });
  }
  const head = await send("HEAD /dex/echo HTTP/1.1");
  assert.deepEqual([head.status, head.body], [200, ""]);
  assert.equal(head.headers["content-length"], String('{"method":"HEAD","query":"","body":""}'.length));
});

test("accepts the absolute form that proxies send", async (t) => {
  const { send } = await aSite(t, [echo]);
  assert.equal((await send(get("http://issuer.example/dex/echo?x"))).status, 200);
});

test("a request shows what was sent, parsed when asked", async (t) => {
  const seen: HttpRequest[] = [];
  const route = aRoute("/auth/{connector}", (request) => {
    seen.push(request);
    return text(200, "");
  });
  const { send, clock } = await aSite(t, [route]);
  await send(
    post(
      "/dex/auth/my%20ldap?state=a+b&state=c",
      "login=jane&password=%F0%9F%94%91",
      "Cookie: a=1; b=2",
      "X-Twice: 1",
      "X-Twice: 2",
      "Authorization: Basic a",
      "Authorization: Basic b",
    ),
  );
  const [request] = seen;
  assert.ok(request);
  assert.deepEqual(request.route, { connector: "my ldap" });
  assert.equal(request.path, "/dex/auth/my%20ldap");
  assert.deepEqual(request.query().repeated, ["state"]);
  assert.equal(request.form().get("password"), "🔑");
  assert.equal(request.form(), request.form());
  assert.deepEqual({ ...request.cookies }, { a: "1", b: "2" });
  assert.equal(request.headers["x-twice"], "1, 2");
  assert.equal(request.headers.authorization, "Basic a, Basic b");
  assert.equal(request.clientIp, "127.0.0.1");
  assert.equal(request.receivedAt, clock.now());
});

test("only an urlencoded body is a form", async (t) => {
  const { send } = await aSite(t, [aRoute("/f", (request) => json(200, request.form().names))]);
  const send2 = (type: string) => send(`POST /dex/f HTTP/1.1\nContent-Type: ${type}\nContent-Length: 3\n\na=1`);
  assert.equal((await send2("application/x-www-form-urlencoded; charset=UTF-8")).body, '["a"]');
  assert.equal((await send2("Application/X-WWW-Form-Urlencoded")).body, '["a"]');
  assert.equal((await send2("application/json")).body, "[]");
  assert.equal((await send2("application/x-www-form-urlencoded-not")).body, "[]");
  assert.equal((await send("POST /dex/f HTTP/1.1\nContent-Length: 3\n\na=1")).body, "[]");
});

test("what cannot be parsed is the endpoint's own 400", async (t) => {
  const read: Handler = (request) => json(200, [request.query().names, request.form().names]);
  const { send } = await aSite(t, [aRoute("/json", read), aRoute("/page", read, { surface: "page" })]);
  const body = '{"error":"invalid_request","error_description":"parameters contain an invalid escape"}';
  for (const request of [post("/dex/json", "a=%zz"), get("/dex/json?a=%zz")]) {
    const reply = await send(request);
    assert.deepEqual([reply.status, reply.body], [400, body]);
  }
  const page = await send(post("/dex/page", "a=1;b=2"));
  assert.equal(page.status, 400);
  assert.match(page.body, /^<p>400\|refusal\.unreadable\|parameters must not.*\|\/dex\/page$/);
  assert.equal(page.headers["content-type"], "text/html; charset=utf-8");
});

test("a fault says nothing, and is logged once with its trace and cause", async (t) => {
  const cause = new Error("password is hunter2");
  const fail = (): never => {
    throw cause;
  };
  const { send, lines } = await aSite(t, [
    aRoute("/sync", fail),
    aRoute("/async", async () => fail()),
    aRoute("/header", () => ({ status: 200, headers: { "x-bad": "a\r\nb" }, body: "" })),
  ]);
  for (const path of ["/dex/sync", "/dex/async"]) {
    const reply = await send(get(path, "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
    assert.deepEqual([reply.status, reply.body], [500, '{"error":"server_error"}']);
    assert.equal(reply.headers["x-trace-id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    const [line, ...more] = lines.splice(0);
    assert.deepEqual([line?.level, line?.cause, more], ["error", cause, []]);
    assert.equal(line?.fields.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
    assert.equal("client_remote_addr" in (line?.fields ?? {}), false);
  }
  assert.equal((await send(get("/dex/header"))).status, 500);
  assert.deepEqual(
    lines.map((line) => line.level),
    ["error"],
  );
});

test("an error page that cannot be drawn is still an answer", async (t) => {
  const onError = (): never => {
    throw new Error("no template");
  };
  const refuse: Handler = () => {
    throw new OAuthError("invalid_request", "no");
  };
  const { send } = await aSite(t, [aRoute("/page", refuse, { surface: "page" })], { onError });
  const reply = await send(get("/dex/page"));
  assert.equal(reply.status, 400);
  assert.match(reply.body, /^400, trace [0-9a-f]{32}\n$/);
});

test("a body may have 1 MiB, announced or not, and no more", async (t) => {
  const { port, send } = await aSite(t, [
    aRoute("/json", ({ body }) => json(200, [body.byteLength])),
    aRoute("/page", () => text(200, ""), { surface: "page" }),
  ]);
  const most = 1024 * 1024;
  assert.equal((await send(post("/dex/json", "a".repeat(most)))).body, `[${most}]`);
  const announced = await send(post("/dex/json", "a".repeat(most + 1)));
  assert.equal(announced.status, 413);
  assert.equal(announced.body, '{"error":"invalid_request","error_description":"request body is too large"}');
  assert.match((await send(post("/dex/page", "a".repeat(most + 1)))).body, /^<p>413\|refusal\.unreadable\|/);
  // Nobody asked for this connection to be closed, but the rest of the body would pass for a request.
  const head = "POST /dex/json HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  const chunked = parseReply(await talk(port, `${head}110000\r\n${"a".repeat(0x110000)}\r\n0\r\n\r\n`));
  assert.equal(chunked.status, 413);
  assert.equal(chunked.headers.connection, "close");
});

test("a body that is cut off reaches no handler", async (t) => {
  const bodies: string[] = [];
  const note = aRoute("/note", ({ body }) => {
    bodies.push(Buffer.from(body).toString());
    return text(200, "");
  });
  const { port, send, lines } = await aSite(t, [note]);
  const socket = open(port);
  socket.write("POST /dex/note HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nrevoke=a");
  await once(socket, "connect");
  const gone = once(socket, "close");
  socket.end();
  socket.resume();
  await gone;
  assert.equal((await send(post("/dex/note", "whole"))).status, 200);
  assert.deepEqual(bodies, ["whole"]);
  assert.ok(lines.every(({ level }) => level !== "error"));
});

test("a URL with long sealed states passes, an endless head does not", async (t) => {
  const { send } = await aSite(t, [
    aRoute("/callback", (request) => json(200, [request.query().get("state")?.length])),
  ]);
  const state = "x".repeat(8 * 1024);
  const reply = await send(get(`/dex/callback?state=${state}&back=${state}`, `Cookie: big=${state}`));
  assert.deepEqual([reply.status, reply.body], [200, "[8192]"]);
  assert.equal((await send(get(`/dex/callback?state=${"x".repeat(270_000)}`))).status, 431);
});

test("garbage is refused without a word", async (t) => {
  const { port } = await aSite(t, [echo]);
  const reply = parseReply(await talk(port, "\x16\x03\x01\x00\xa5\r\n\r\n"));
  assert.deepEqual([reply.status, reply.body], [400, ""]);
});

test("a client that dawdles over its head or its body is cut off", async (t) => {
  const limits = { headTimeout: millis(50), requestTimeout: millis(100), sweep: millis(20) };
  const { port } = await aSite(t, [echo], { limits });
  assert.match(await talk(port, "GET /dex/echo HTTP/1.1\r\nHost: x\r\nX-Slow: "), /^HTTP\/1\.1 408 /);
  assert.match(
    await talk(port, "POST /dex/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"),
    /^HTTP\/1\.1 4\d\d /,
  );
});

test("waits to be told to go on where the client asks for it", async (t) => {
  const { port } = await aSite(t, [echo]);
  const socket = open(port);
  socket.write(
    "POST /dex/echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n",
  );
  const [chunk] = await once(socket, "data");
  assert.match(String(chunk), /^HTTP\/1\.1 100 /);
  socket.write("hi");
  assert.match(await heard(socket), /"body":"hi"/);
  assert.match(
    await talk(port, "GET /dex/echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: magic\r\n\r\n"),
    /^HTTP\/1\.1 417 /,
  );
});

test("the operator's headers replace defaults everywhere, an empty one removes; an answer has the last word", async (t) => {
  const csp = "default-src 'none'; script-src 'nonce-x'";
  const { send } = await aSite(
    t,
    [
      aRoute("/plain", () => text(200, "")),
      aRoute("/own", () => text(200, "", { "Content-Security-Policy": csp, "Cache-Control": "public, max-age=60" })),
    ],
    {
      headers: {
        "X-Frame-Options": "SAMEORIGIN",
        "content-security-policy": "default-src https:",
        "Referrer-Policy": "",
        "X-XSS-Protection": "1",
        "Strict-Transport-Security": "max-age=1",
      },
    },
  );
  for (const path of ["/dex/plain", "/dex/unknown", "/dex/robots.txt"]) {
    const { headers } = await send(get(path));
    assert.equal(headers["x-frame-options"], "SAMEORIGIN");
    assert.equal(headers["content-security-policy"], "default-src https:");
    assert.equal(headers["referrer-policy"], undefined);
    assert.equal(headers["x-xss-protection"], "1");
    assert.equal(headers["strict-transport-security"], "max-age=1");
  }
  const own = await send(get("/dex/own"));
  assert.equal(own.headers["content-security-policy"], csp);
  assert.equal(own.headers["cache-control"], "public, max-age=60");
});

test("redirects and several cookies are written as they are", async (t) => {
  const cookies = [setCookie("a", "1", { path: "/dex" }), setCookie("b", "2", { path: "/dex", httpOnly: true })];
  const { send } = await aSite(t, [
    aRoute("/go", () => redirect(303, "https://app.example/cb?code=x", { "set-cookie": cookies })),
  ]);
  const reply = await send(post("/dex/go", ""));
  assert.equal(reply.status, 303);
  assert.equal(reply.headers.location, "https://app.example/cb?code=x");
  assert.equal(reply.headers["set-cookie"], cookies.join("\n"));
  assert.equal(reply.headers["content-length"], "0");
});

test("CORS is on marked routes only, with Vary, on refusals too", async (t) => {
  const refuse: Handler = () => {
    throw new OAuthError("invalid_client", "who?");
  };
  const { send } = await aSite(
    t,
    [
      aRoute("/token", refuse, { cors: true }),
      aRoute("/keys", () => text(200, "", { vary: "Accept" }), { cors: true }),
      aRoute("/auth", () => text(200, "")),
    ],
    { cors: { allowedOrigins: ["https://app.example"], allowedHeaders: ["Authorization"] } },
  );
  const origin = "Origin: https://app.example";
  const refused = await send(post("/dex/token", "", origin));
  assert.equal(refused.status, 401);
  assert.equal(refused.headers["access-control-allow-origin"], "https://app.example");
  assert.equal(refused.headers.vary, "Origin");
  assert.equal((await send(post("/dex/token", ""))).headers.vary, "Origin");
  assert.equal((await send(get("/dex/keys", origin))).headers.vary, "Accept, Origin");
  const preflight = await send(
    `OPTIONS /dex/token HTTP/1.1\n${origin}\nAccess-Control-Request-Method: POST\nAccess-Control-Request-Headers: authorization`,
  );
  assert.deepEqual([preflight.status, preflight.body, preflight.headers.vary], [200, "", "Origin"]);
  assert.equal(preflight.headers["access-control-allow-headers"], "Authorization");
  const auth = await send(get("/dex/auth", origin));
  assert.equal(auth.headers["access-control-allow-origin"], undefined);
  assert.equal(auth.headers.vary, undefined);
  const { send: without } = await aSite(t, [aRoute("/token", refuse, { cors: true })]);
  assert.equal((await without(`OPTIONS /dex/token HTTP/1.1\n${origin}`)).status, 401);
});

test("behind a trusted proxy the client's address is read from all lines of the header, and logged", async (t) => {
  const log: Handler = (request) => {
    request.logger.info("seen");
    return text(200, request.clientIp);
  };
  const { send, lines } = await aSite(t, [aRoute("/ip", log)], {
    clientRemoteIp: {
      header: "X-Forwarded-For",
      trustedProxies: [{ address: "127.0.0.0", family: "ipv4", prefix: 8 }],
    },
  });
  const reply = await send(get("/dex/ip", "X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 203.0.113.9, 127.0.0.2"));
  assert.equal(reply.body, "203.0.113.9");
  assert.equal(lines[0]?.fields.client_remote_addr, "203.0.113.9");
  assert.match(String(lines[0]?.fields.request_id), /^[0-9a-f-]{36}$/);
});

test("requests of one connection share its identity, others do not", async (t) => {
  const seen: object[] = [];
  const note: Handler = (request) => {
    seen.push(request.connection);
    return text(200, "");
  };
  const { port } = await aSite(t, [aRoute("/c", note)]);
  const twice = "GET /dex/c HTTP/1.1\r\nHost: x\r\n\r\nGET /dex/c HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  await talk(port, twice);
  await exchange(port, get("/dex/c"));
  assert.equal(seen.length, 3);
  assert.equal(seen[0], seen[1]);
  assert.notEqual(seen[1], seen[2]);
});

test("the signal aborts when the client goes away, which is no fault of ours", async (t) => {
  const reached = Promise.withResolvers<AbortSignal>();
  const wait: Handler = async ({ signal }) => {
    reached.resolve(signal);
    await once(signal, "abort");
    signal.throwIfAborted();
    return text(200, "");
  };
  const { port, lines } = await aSite(t, [aRoute("/wait", wait)]);
  const socket = open(port);
  socket.write("GET /dex/wait HTTP/1.1\r\nHost: x\r\n\r\n");
  const signal = await reached.promise;
  socket.destroy();
  if (!signal.aborted) await once(signal, "abort");
  assert.equal(signal.reason.name, "AbortError");
  await new Promise(setImmediate);
  assert.deepEqual(
    lines.map(({ level }) => level),
    ["debug"],
  );
});

test("the signal aborts at the deadline with 503, and never after the answer", async (t) => {
  const reached = Promise.withResolvers<void>();
  const signals: AbortSignal[] = [];
  const wait: Handler = async ({ signal }) => {
    reached.resolve();
    await once(signal, "abort");
    throw signal.reason;
  };
  const quick: Handler = ({ signal }) => {
    signals.push(signal);
    return text(200, "");
  };
  const { send, clock } = await aSite(t, [aRoute("/wait", wait), aRoute("/quick", quick)]);
  await send(get("/dex/quick"));
  const answered = send(get("/dex/wait"));
  await reached.promise;
  clock.wind(29_999);
  assert.equal(clock.sleepers(), 1);
  clock.wind(1);
  const reply = await answered;
  assert.deepEqual([reply.status, reply.headers["retry-after"]], [503, "5"]);
  assert.match(reply.body, /^\{"error":"temporarily_unavailable"/);
  assert.equal(signals[0]?.aborted, false);
});

test("each answer of a route is observed by its pattern", async (t) => {
  const seen: Observation[] = [];
  const { send } = await aSite(t, [aRoute("/auth/{connector}", () => text(418, "tea"))], {
    observe: (observation) => void seen.push(observation),
  });
  await send(get("/dex/auth/ldap"));
  await send(get("/dex/robots.txt"));
  await send(get("/dex/unknown"));
  assert.deepEqual(seen, [{ route: "/auth/{connector}", method: "GET", status: 418, took: 0, bytes: 3 }]);
});

test("an address that is taken or malformed fails the start", async (t) => {
  const { server } = await aSite(t, [echo]);
  await assert.rejects(aSite(t, [echo], { listeners: { http: server.addresses.http ?? "" } }), { code: "EADDRINUSE" });
  await assert.rejects(aSite(t, [echo], { listeners: { http: "localhost" } }), TypeError);
});

test("listens on IPv6 and IPv4 at once where no host is given", async (t) => {
  const { server, port } = await aSite(t, [echo], { listeners: { http: ":0" } });
  assert.match(server.addresses.http ?? "", /^(\[::\]|0\.0\.0\.0):[1-9]\d*$/);
  assert.equal((await exchange(port, get("/dex/echo"))).status, 200);
});
