import assert from "node:assert/strict";
import type { lookup } from "node:dns";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, isIP, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { gzipSync } from "node:zlib";
import { type Authority, newAuthority } from "../../test/fake/certificates.ts";
import { bodyOf, type LoopbackServer, loopbackServer } from "../../test/fake/loopback-server.ts";
import { BadAnswerError, UnavailableError } from "./errors.ts";
import { Secret } from "./secret.ts";
import { createUpstreams, type UpstreamOptions } from "./upstream-fetch.ts";

type Listener = Parameters<typeof loopbackServer>[0];

async function aServer(t: TestContext, listener: Listener, tls?: Parameters<typeof loopbackServer>[1]) {
  const server = await loopbackServer(listener, tls);
  t.after(() => server.close());
  return server;
}

function aFetch(
  t: TestContext,
  options: UpstreamOptions = {},
  env: Record<string, string> = {},
  resolve?: typeof lookup,
): typeof fetch {
  const closing = new AbortController();
  t.after(() => closing.abort());
  return createUpstreams(env, resolve)(options, { dependency: "connector x", closing: closing.signal });
}

const unavailable = (pattern: RegExp) => (error: unknown) =>
  error instanceof UnavailableError && error.dependency === "connector x" && pattern.test(error.message);
const badAnswer = (pattern: RegExp) => (error: unknown) =>
  error instanceof BadAnswerError && pattern.test(error.message);

test("sends what it is given and reads the answer whole", async (t) => {
  const server = await aServer(t, async (request, response) => {
    const { method, url, headers } = request;
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ method, url, headers, body: await bodyOf(request) }));
  });
  const answer = await aFetch(t)(`${server.url}/a?b=c`, {
    method: "POST",
    body: new URLSearchParams({ x: "ü" }),
    headers: { authorization: "Basic eA==" },
  });
  const seen = (await answer.json()) as Record<string, string & Record<string, string>>;
  assert.equal(answer.status, 200);
  assert.deepEqual([seen.method, seen.url, seen.body], ["POST", "/a?b=c", "x=%C3%BC"]);
  assert.equal(seen.headers?.authorization, "Basic eA==");
  assert.equal(seen.headers?.["content-type"], "application/x-www-form-urlencoded;charset=UTF-8");
  assert.equal(seen.headers?.["user-agent"], "dex");
});

test("keeps its connections", async (t) => {
  const ports = new Set<number | undefined>();
  const server = await aServer(t, (request, response) => {
    ports.add(request.socket.remotePort);
    response.end("ok");
  });
  const ask = aFetch(t);
  for (let turn = 0; turn < 10; turn++) await ask(server.url);
  // Two at the most: a socket may still be on its way back to the pool when the next call wants one.
  assert.ok(ports.size <= 2, `${ports.size} connections`);
});

test("an upstream that is slow to answer, or to finish answering, is away when the deadline passes", async (t) => {
  const silent = await aServer(t, () => undefined);
  const dripping = await aServer(t, (_, response) => {
    response.writeHead(200);
    const drip = setInterval(() => response.write("x"), 20);
    response.once("close", () => clearInterval(drip));
  });
  for (const { url } of [silent, dripping]) {
    const before = performance.now();
    await assert.rejects(
      aFetch(t, { deadline: 150 })(`${url}/token?code=hidden`),
      unavailable(/\/token: no answer within 0.15 s$/),
    );
    assert.ok(performance.now() - before < 2_000);
  }
});

test("an upstream that is not there is away, and the message holds no query", async (t) => {
  const server = await loopbackServer(() => undefined);
  await server.close();
  await assert.rejects(aFetch(t)(`${server.url}/x?code=hidden`), (error: Error) => {
    assert.ok(unavailable(/GET http:\/\/127.0.0.1:\d+\/x: .*ECONNREFUSED/)(error), error.message);
    return !error.message.includes("hidden");
  });
});

test("who gives up gets the reason that was given", async (t) => {
  const server = await aServer(t, () => undefined);
  const reason = new Error("the browser went away");
  const controller = new AbortController();
  const asked = aFetch(t)(server.url, { signal: controller.signal });
  setTimeout(() => controller.abort(reason), 30);
  await assert.rejects(asked, reason);
});

test("a body is bounded as it unpacks", async (t) => {
  const server = await aServer(t, (request, response) => {
    if (request.url === "/packed") response.setHeader("content-encoding", "gzip");
    response.end(request.url === "/packed" ? gzipSync(Buffer.alloc(50_000_000)) : "x".repeat(5_000));
  });
  const ask = aFetch(t, { maxBody: 4_999 });
  await assert.rejects(ask(`${server.url}/packed`), badAnswer(/more than 4999 bytes/));
  await assert.rejects(ask(`${server.url}/plain`), badAnswer(/more than 4999 bytes/));
  const roomy = await aFetch(t, { maxBody: 5_000 })(`${server.url}/plain`);
  assert.equal((await roomy.text()).length, 5_000);
});

test("follows a safe request's redirects and takes no credential to another origin", async (t) => {
  const seen: (string | undefined)[] = [];
  const other = await aServer(t, (request, response) => {
    seen.push(request.headers.authorization);
    response.end("there");
  });
  const server = await aServer(t, (request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(302, { location: request.url === "/1" ? "/2" : `${other.url}/3` }).end();
  });
  assert.equal(await (await aFetch(t)(`${server.url}/1`)).text(), "there");
  assert.deepEqual(seen, [undefined, undefined, undefined]);
  const asked = aFetch(t)(`${server.url}/1`, { headers: { authorization: "Bearer t" } });
  await assert.rejects(asked, badAnswer(/another host with a credential/));
  assert.deepEqual(seen.slice(3), ["Bearer t", "Bearer t"]);
});

test("refuses redirect loops, other schemes and redirected posts", async (t) => {
  const server = await aServer(t, (request, response) => {
    const location = request.url === "/file" ? "file:///etc/passwd" : (request.url ?? "");
    response.writeHead(307, { location }).end();
  });
  const ask = aFetch(t);
  await assert.rejects(ask(`${server.url}/loop`), badAnswer(/redirects without end/));
  await assert.rejects(ask(`${server.url}/file`), badAnswer(/not as safe/));
  await assert.rejects(ask(server.url, { method: "POST", body: "x" }), badAnswer(/redirected/));
  await assert.rejects(ask(server.url, { redirect: "error" }), badAnswer(/redirected/));
  assert.equal((await ask(server.url, { redirect: "manual" })).status, 307);
});

test("asks a busy upstream again when it says so, but never posts twice and never waits past the deadline", async (t) => {
  const asked: string[] = [];
  const server = await aServer(t, (request, response) => {
    asked.push(request.url ?? "");
    if (request.url === "/patient") response.setHeader("retry-after", "3600");
    if (request.url === "/soon") response.setHeader("retry-after", "0");
    const isDone = request.url === "/soon" && asked.filter((url) => url === "/soon").length === 3;
    response.writeHead(isDone ? 200 : 429).end();
  });
  const ask = aFetch(t, { deadline: 5_000 });
  assert.equal((await ask(`${server.url}/soon`)).status, 200);
  assert.equal((await ask(`${server.url}/patient`)).status, 429);
  assert.equal((await ask(`${server.url}/post`, { method: "POST" })).status, 429);
  assert.deepEqual(asked, ["/soon", "/soon", "/soon", "/patient", "/post"]);
});

test("nothing is asked once the connector is closed, and what was asked ends", async (t) => {
  const server = await aServer(t, (request, response) => {
    if (request.url === "/fast") response.end();
  });
  const closing = new AbortController();
  const ask = createUpstreams({})({}, { dependency: "connector x", closing: closing.signal });
  await ask(`${server.url}/fast`);
  const pending = assert.rejects(ask(`${server.url}/slow`), unavailable(/./));
  setTimeout(() => closing.abort(), 30);
  await pending;
  await assert.rejects(ask(`${server.url}/fast`), unavailable(/./));
});

const trust: Authority = newAuthority();
const stranger: Authority = newAuthority();
const secured = (t: TestContext, tls = {}): Promise<LoopbackServer> =>
  aServer(
    t,
    (request, response) => {
      if (request.url === "/down") response.writeHead(302, { location: "http://127.0.0.1:1/" });
      response.end("secured");
    },
    { ...trust.issue(), ...tls },
  );

test("trusts the authorities it is given, and no others", async (t) => {
  const { url } = await secured(t);
  assert.equal(await (await aFetch(t, { rootCAs: [trust.cert] })(url)).text(), "secured");
  await assert.rejects(aFetch(t, { rootCAs: [stranger.cert] })(url), unavailable(/certificate|CERT/i));
  await assert.rejects(aFetch(t)(url), unavailable(/certificate|CERT/i));
  assert.equal((await aFetch(t, { insecureSkipVerify: true })(url)).status, 200);
  assert.equal((await aFetch(t, { rootCAs: [trust.cert], keepsSystemCAs: true })(url)).status, 200);
});

test("never goes from TLS to clear text", async (t) => {
  const { url } = await secured(t);
  await assert.rejects(aFetch(t, { rootCAs: [trust.cert] })(`${url}/down`), badAnswer(/not as safe/));
});

test("the system's authorities are those of SSL_CERT_FILE and SSL_CERT_DIR where they are set", async (t) => {
  const { url } = await secured(t);
  const folder = mkdtempSync(join(tmpdir(), "dex-ca-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "ca.pem"), `# a comment\n${stranger.cert}\n${trust.cert}`);
  assert.equal((await aFetch(t, {}, { SSL_CERT_FILE: join(folder, "ca.pem") })(url)).status, 200);
  assert.equal((await aFetch(t, {}, { SSL_CERT_DIR: folder })(url)).status, 200);
  const added = aFetch(t, { rootCAs: [stranger.cert], keepsSystemCAs: true }, { SSL_CERT_DIR: folder });
  assert.equal((await added(url)).status, 200);
  const replaced = aFetch(t, { rootCAs: [stranger.cert] }, { SSL_CERT_DIR: folder });
  await assert.rejects(replaced(url), unavailable(/certificate|CERT/i));
});

test("shows its certificate to an upstream that asks for one", async (t) => {
  const { url } = await secured(t, { ca: trust.cert, requestCert: true });
  const { cert, key } = trust.issue(["client.test"]);
  const shown = aFetch(t, { rootCAs: [trust.cert], clientCertificate: { cert, key: new Secret(key) } });
  assert.equal((await shown(url)).status, 200);
  await assert.rejects(aFetch(t, { rootCAs: [trust.cert] })(url), UnavailableError);
});

test("goes through the proxy: forwarded in clear, tunnelled with TLS, with the proxy's password", async (t) => {
  const tls = await secured(t, trust.issue(["idp.test"]));
  const seen: string[] = [];
  const proxy = await aServer(t, (request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers["proxy-authorization"]}`);
    response.end("forwarded");
  });
  proxy.server.on("connect", (request, socket: Socket) => {
    seen.push(`${request.method} ${request.url} ${request.headers["proxy-authorization"]}`);
    const onward = connect(tls.port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      socket.pipe(onward).pipe(socket);
    });
    for (const end of [socket, onward]) end.on("error", () => undefined);
    socket.once("close", () => onward.destroy());
  });
  const address = `http://me:s%20t@127.0.0.1:${proxy.port}`;
  const env = { HTTP_PROXY: address, HTTPS_PROXY: address, NO_PROXY: "direct.test" };
  const ask = aFetch(t, { rootCAs: [trust.cert] }, env);
  assert.equal(await (await ask("http://idp.test/a")).text(), "forwarded");
  assert.equal(await (await ask("https://idp.test/b")).text(), "secured");
  const basic = `Basic ${Buffer.from("me:s t").toString("base64")}`;
  assert.deepEqual(seen, [`GET http://idp.test/a ${basic}`, `CONNECT idp.test:443 ${basic}`]);
  await assert.rejects(ask("http://direct.test/"), unavailable(/direct\.test/));
});

/** A name server's answers, one for each time it is asked; the last stays. */
function resolverOf(...answers: readonly (readonly string[])[]) {
  const asked: string[] = [];
  const resolve = (name: string, _options: unknown, callback: (error: null, addresses: unknown) => void): void => {
    const addresses = answers[Math.min(asked.push(name), answers.length) - 1] ?? [];
    queueMicrotask(() =>
      callback(
        null,
        addresses.map((address) => ({ address, family: isIP(address) })),
      ),
    );
  };
  return { asked, resolve: resolve as unknown as typeof lookup };
}

test("a name is judged by the addresses that are connected to, each time anew", async (t) => {
  let isReached = false;
  const inner = createServer((socket) => {
    isReached = true;
    socket.destroy();
  });
  await new Promise<void>((done) => inner.listen(0, "127.0.0.2", done));
  t.after(() => inner.close());
  const server = await aServer(t, (_, response) => response.setHeader("connection", "close").end("client"));
  const bound = (answers: readonly (readonly string[])[]) => {
    const { asked, resolve } = resolverOf(...answers);
    return { asked, ask: aFetch(t, { mayReach: (address) => address === "127.0.0.1" }, {}, resolve) };
  };
  // The port is that of both: the second answer leads to the machine's inside.
  const { port } = inner.address() as AddressInfo;
  const rebound = bound([["127.0.0.1"], ["127.0.0.2"]]);
  assert.equal(await (await rebound.ask(`http://client.test:${server.port}/`)).text(), "client");
  await assert.rejects(rebound.ask(`http://client.test:${port}/`), unavailable(/may not be called/));
  await assert.rejects(rebound.ask(`https://client.test:${port}/`), unavailable(/may not be called/));
  assert.equal(rebound.asked.length, 3, "one look-up for each connection");
  const both = bound([["127.0.0.1", "127.0.0.2"]]);
  await assert.rejects(both.ask(`http://client.test:${port}/`), unavailable(/may not be called/));
  await assert.rejects(bound([[]]).ask(`http://client.test:${port}/`), unavailable(/may not be called/));
  for (const url of [`http://127.0.0.2:${port}/`, `http://0x7f000002:${port}/`, `http://[::ffff:7f00:2]:${port}/`]) {
    await assert.rejects(bound([]).ask(url), unavailable(/may not be called/));
  }
  assert.equal(isReached, false);
});

test("behind a proxy the address in a URL is judged, and the proxy itself is not", async (t) => {
  const seen: (string | undefined)[] = [];
  const proxy = await aServer(t, (request, response) => {
    seen.push(request.url);
    response.end("forwarded");
  });
  const ask = aFetch(t, { mayReach: (address) => address === "192.0.2.1" }, { HTTP_PROXY: proxy.url });
  assert.equal(await (await ask("http://192.0.2.1/")).text(), "forwarded");
  assert.equal(await (await ask("http://client.test/")).text(), "forwarded");
  await assert.rejects(ask("http://192.0.2.2/"), unavailable(/may not be called/));
  assert.deepEqual(seen, ["http://192.0.2.1/", "http://client.test/"]);
});

test("calls nothing but the web", async (t) => {
  for (const url of ["data:text/plain,x", "file:///etc/passwd", "ftp://127.0.0.1/"]) {
    await assert.rejects(aFetch(t)(url), unavailable(/not an address of the web/));
  }
});
