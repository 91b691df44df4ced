import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { type ClientHttp2Stream, connect as connectHttp2 } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import { promisify } from "node:util";
import { type Clock, millis } from "../kernel/ports.ts";
import { systemClock } from "../kernel/system.ts";
import { json, text } from "./answers.ts";
import type { Route } from "./contract.ts";
import type { HttpOptions, HttpsOptions } from "./http-server.ts";
import { aSite, handClock, heard, parseReply, portOf, type TestSite } from "./testing/a-site.ts";

const run = promisify(execFile);

/** A folder with one real pair per name: `one/tls.crt`, `one/tls.key`, … */
async function somePairs(t: TestContext, ...names: string[]): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "tls-"));
  t.after(() => rm(dir, { recursive: true }));
  for (const name of names) {
    await mkdir(join(dir, name));
    const files = ["-keyout", join(dir, name, "tls.key"), "-out", join(dir, name, "tls.crt")];
    const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
    await run("openssl", ["req", ...kind, ...files, "-subj", `/CN=${name}`]);
  }
  return dir;
}

const echo: Route = {
  path: "/echo",
  surface: "json",
  handler: (request) =>
    json(200, { method: request.method, body: Buffer.from(request.body).toString(), ip: request.clientIp }),
};

async function aTlsSite(
  t: TestContext,
  folder: string,
  more: Partial<HttpsOptions> = {},
  options: Partial<HttpOptions> = {},
  routes: readonly Route[] = [echo],
): Promise<TestSite> {
  const https: HttpsOptions = {
    address: "127.0.0.1:0",
    certFile: join(folder, "tls.crt"),
    keyFile: join(folder, "tls.key"),
    minVersion: "1.2",
    ...more,
  };
  return aSite(t, routes, { listeners: { https }, ...options });
}

async function handshake(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false, ...options });
  await once(socket, "secureConnect");
  return socket;
}

/** Whose certificate a new connection sees. */
async function served(port: number): Promise<string> {
  const socket = await handshake(port);
  const name = socket.getPeerX509Certificate()?.subject ?? "";
  socket.destroy();
  return name;
}

/** Replaces a file as `mv` does. */
async function renameOver(from: string, to: string): Promise<void> {
  await cp(from, `${to}.new`);
  await rename(`${to}.new`, to);
}

test("speaks HTTP/1.1 over TLS, with HSTS", async (t) => {
  const dir = await somePairs(t, "one");
  const { port } = await aTlsSite(t, join(dir, "one"));
  const socket = await handshake(port, { ALPNProtocols: ["http/1.1"] });
  const path = `/dex/echo?${"x".repeat(20_000)}`;
  socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi`);
  const reply = parseReply(await heard(socket));
  assert.deepEqual([reply.status, reply.body], [200, '{"method":"POST","body":"hi","ip":"127.0.0.1"}']);
  assert.equal(reply.headers["strict-transport-security"], "max-age=31536000");
});

test("HTTP/1.1 over TLS has the limits of plain HTTP", async (t) => {
  const dir = await somePairs(t, "one");
  const limits = { headTimeout: millis(50), requestTimeout: millis(100), sweep: millis(20), idle: millis(50) };
  const seen: (string | undefined)[] = [];
  const note: Route = {
    path: "/note",
    surface: "json",
    handler: ({ headers }) => {
      seen.push(headers.authorization);
      return text(200, "");
    },
  };
  const { port } = await aTlsSite(t, join(dir, "one"), {}, { limits }, [note]);
  const told = async (bytes: string): Promise<string> => {
    const socket = await handshake(port, { ALPNProtocols: ["http/1.1"] });
    socket.write(bytes);
    return heard(socket);
  };
  assert.match(await told("GET /dex/note HTTP/1.1\r\nHost: x\r\nX-Slow: "), /^HTTP\/1\.1 408 /);
  assert.match(await told("POST /dex/note HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"), /^HTTP\/1\.1 4\d\d /);
  // Nobody ends this connection but the server.
  const twice = "Host: x\r\nAuthorization: Basic a\r\nAuthorization: Basic b\r\n\r\n";
  assert.match(await told(`GET /dex/note HTTP/1.1\r\n${twice}`), /^HTTP\/1\.1 200 /);
  assert.deepEqual(seen, ["Basic a, Basic b"]);
});

test("HTTP/2: a body that is cut off reaches no handler", async (t) => {
  const dir = await somePairs(t, "one");
  const seen: string[] = [];
  const note: Route = {
    path: "/note",
    surface: "json",
    handler: ({ body }) => {
      seen.push(Buffer.from(body).toString());
      return text(200, "");
    },
  };
  const { port } = await aTlsSite(t, join(dir, "one"), {}, {}, [note]);
  const connected = async () => {
    const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
    session.on("error", () => undefined);
    t.after(() => session.destroy());
    const posted = () => session.request({ ":method": "POST", ":path": "/dex/note" }).on("error", () => undefined);
    await once(session, "remoteSettings");
    return { session, posted };
  };
  const ways: readonly ((cut: ClientHttp2Stream) => void)[] = [
    (cut) => cut.destroy(new Error("cut off")),
    (cut) => cut.session?.destroy(),
    (cut) => cut.session?.socket.destroy(),
  ];
  for (const end of ways) {
    const { session, posted } = await connected();
    const cut = posted();
    cut.write("revoke=a");
    // The server has all of it when it answers.
    await new Promise((resolve) => session.ping(resolve));
    const gone = new Promise((resolve) => cut.once("close", resolve));
    end(cut);
    await gone;
  }
  const { posted } = await connected();
  const whole = posted();
  whole.end("revoke=all");
  const [headers] = await once(whole, "response");
  assert.equal(headers[":status"], 200);
  assert.deepEqual(seen, ["revoke=all"]);
});

test("speaks HTTP/2: bodies, HEAD, 404, 413, static files", async (t) => {
  const dir = await somePairs(t, "one");
  const { port } = await aTlsSite(t, join(dir, "one"));
  const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
  t.after(() => session.destroy());
  const ask = async (method: string, path: string, body?: string) => {
    const stream = session.request(
      { ":method": method, ":path": path, "content-type": "text/plain" },
      { endStream: body === undefined },
    );
    if (body !== undefined) stream.end(body);
    const [headers] = await once(stream, "response");
    let answer = "";
    for await (const chunk of stream.setEncoding("utf8")) answer += chunk;
    return { status: headers[":status"], headers, answer };
  };
  const posted = await ask("POST", "/dex/echo", "hi");
  assert.deepEqual([posted.status, posted.answer], [200, '{"method":"POST","body":"hi","ip":"127.0.0.1"}']);
  assert.equal(posted.headers["strict-transport-security"], "max-age=31536000");
  assert.match(String(posted.headers["x-trace-id"]), /^[0-9a-f]{32}$/);
  const head = await ask("HEAD", "/dex/echo");
  assert.deepEqual(
    [head.status, head.answer, head.headers["content-length"]],
    [200, "", `${'{"method":"HEAD","body":"","ip":"127.0.0.1"}'.length}`],
  );
  assert.equal((await ask("GET", "/dex/nothing")).answer, "404 page not found\n");
  assert.equal((await ask("GET", "/dex/%zz")).status, 404);
  assert.equal((await ask("GET", "/dex/robots.txt")).status, 200);
  assert.equal((await ask("POST", "/dex/echo", "a".repeat(1024 * 1024 + 1))).status, 413);
});

test("HTTP/2: the signal aborts when the stream is cancelled, the connection is the session", async (t) => {
  const dir = await somePairs(t, "one");
  const reached = Promise.withResolvers<AbortSignal>();
  const seen: object[] = [];
  const wait: Route["handler"] = async (request) => {
    seen.push(request.connection);
    if (request.rawQuery === "wait") {
      reached.resolve(request.signal);
      await once(request.signal, "abort");
    }
    return text(200, "");
  };
  const { port } = await aTlsSite(t, join(dir, "one"), {}, {}, [{ path: "/w", surface: "json", handler: wait }]);
  const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
  t.after(() => session.destroy());
  const stream = session.request({ ":path": "/dex/w?wait" });
  stream.on("error", () => undefined);
  const signal = await reached.promise;
  stream.close(8);
  if (!signal.aborted) await once(signal, "abort");
  assert.equal(signal.reason.name, "AbortError");
  const second = session.request({ ":path": "/dex/w" });
  await once(second.resume(), "end");
  assert.equal(seen.length, 2);
  assert.equal(seen[0], seen[1]);
});

test("holds the configured versions and offers no suite without forward secrecy", async (t) => {
  const dir = await somePairs(t, "one");
  const { port: modern } = await aTlsSite(t, join(dir, "one"), { minVersion: "1.3" });
  await assert.rejects(handshake(modern, { maxVersion: "TLSv1.2" }));
  assert.equal((await handshake(modern)).getProtocol(), "TLSv1.3");
  const { port: old } = await aTlsSite(t, join(dir, "one"), { maxVersion: "1.2" });
  const socket = await handshake(old);
  assert.equal(socket.getProtocol(), "TLSv1.2");
  assert.match(socket.getCipher().name, /^ECDHE-/);
  await assert.rejects(
    handshake(old, { maxVersion: "TLSv1.2", ciphers: "AES128-GCM-SHA256:AES256-SHA:ECDHE-ECDSA-AES128-SHA" }),
  );
});

test("a pair that is missing or does not match fails the start and leaves no listener behind", async (t) => {
  const dir = await somePairs(t, "one", "two");
  await assert.rejects(aTlsSite(t, join(dir, "none")), { code: "ENOENT" });
  await assert.rejects(aTlsSite(t, join(dir, "one"), { keyFile: join(dir, "two/tls.key") }), /cannot be used/);
  await writeFile(join(dir, "two/tls.crt"), "no certificate");
  const { server, port } = await aSite(t, []);
  await server.close();
  const http = `127.0.0.1:${port}`;
  const https: HttpsOptions = {
    address: "127.0.0.1:0",
    certFile: join(dir, "two/tls.crt"),
    keyFile: join(dir, "two/tls.key"),
    minVersion: "1.2",
  };
  await assert.rejects(aSite(t, [], { listeners: { http, https } }));
  await aSite(t, [], { listeners: { http } });
});

test("takes a new pair however it arrives, keeps open connections on the old one", async (t) => {
  const dir = await somePairs(t, "one", "two", "three");
  const folder = join(dir, "live");
  await cp(join(dir, "one"), folder, { recursive: true });
  const { port, server, lines, reload } = await aTlsSite(t, folder);
  const before = await handshake(port);
  assert.equal(await served(port), "CN=one");
  for (const file of ["tls.crt", "tls.key"]) await renameOver(join(dir, "two", file), join(folder, file));
  await reload();
  assert.equal(await served(port), "CN=two");
  for (const file of ["tls.crt", "tls.key"])
    await writeFile(join(folder, file), await readFile(join(dir, "three", file)));
  await reload();
  assert.equal(await served(port), "CN=three");
  const end = new X509Certificate(await readFile(join(folder, "tls.crt"))).validToDate;
  assert.deepEqual(server.certificateEnd(), end);
  before.write("GET /dex/robots.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  assert.equal(parseReply(await heard(before)).status, 200);
  assert.deepEqual(
    lines.map(({ level }) => level),
    ["info", "info"],
  );
});

test("never serves a half replaced, broken or missing pair, and says so once", async (t) => {
  const dir = await somePairs(t, "one", "two");
  const folder = join(dir, "live");
  await cp(join(dir, "one"), folder, { recursive: true });
  const { port, clock, lines, reload } = await aTlsSite(t, folder, { minVersion: "1.3" });
  const afterReload = async (): Promise<readonly string[]> => {
    for (let look = 0; look < 2; look++) {
      // It looks by itself, and then because it is told to, which whoever tells hears the end of.
      clock.wind(5_000);
      await setImmediate();
      await assert.rejects(reload());
    }
    assert.equal(await served(port), "CN=one");
    return lines.splice(0).map(({ level }) => level);
  };
  await renameOver(join(dir, "two/tls.crt"), join(folder, "tls.crt"));
  assert.deepEqual(await afterReload(), ["error"]);
  await writeFile(join(folder, "tls.crt"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  assert.deepEqual(await afterReload(), ["error"]);
  await rm(join(folder, "tls.key"));
  assert.deepEqual(await afterReload(), ["error"]);
  await cp(join(dir, "two"), folder, { recursive: true });
  await reload();
  assert.equal(await served(port), "CN=two");
  // The settings of the listener outlive its certificate.
  await assert.rejects(handshake(port, { maxVersion: "TLSv1.2" }));
});

/** Kubernetes' layout: the files are links through `..data`, which is swapped as one. */
async function aSecretMount(
  dir: string,
): Promise<{ readonly mount: string; readonly swap: (to: string) => Promise<void> }> {
  const mount = join(dir, "mount");
  await mkdir(mount);
  const swap = async (to: string): Promise<void> => {
    await cp(join(dir, to), join(mount, `..${to}`), { recursive: true });
    await symlink(`..${to}`, join(mount, "..data_tmp"));
    await rename(join(mount, "..data_tmp"), join(mount, "..data"));
  };
  await swap("one");
  for (const file of ["tls.crt", "tls.key"]) await symlink(`..data/${file}`, join(mount, file));
  return { mount, swap };
}

test("sees Kubernetes swap a Secret by polling, with no event and no signal", async (t) => {
  const dir = await somePairs(t, "one", "two");
  const { mount, swap } = await aSecretMount(dir);
  const [poll, never] = [handClock(), handClock()];
  // The short wait after an event never ends, so that no event can be what sees it.
  const clock: Clock = { now: poll.now, sleep: (span, signal) => (span < 1_000 ? never : poll).sleep(span, signal) };
  const { port, lines } = await aTlsSite(t, mount, {}, { clock });
  await swap("two");
  while (lines.length === 0) {
    poll.wind(5_000);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.equal(await served(port), "CN=two");
});

test("sees it soon by the folder's events", async (t) => {
  const dir = await somePairs(t, "one", "two");
  const { mount, swap } = await aSecretMount(dir);
  const stopped = handClock();
  // Real for the short wait after an event, standing still for the poll, which must not be what sees it.
  const clock: Clock = {
    now: stopped.now,
    sleep: (span, signal) => (span < 1_000 ? systemClock : stopped).sleep(span, signal),
  };
  const { port, lines } = await aTlsSite(t, mount, {}, { clock });
  await swap("two");
  while (lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(await served(port), "CN=two");
});

test("drains both kinds of connection", async (t) => {
  const dir = await somePairs(t, "one");
  const { server, port, clock } = await aTlsSite(t, join(dir, "one"));
  const idle = await handshake(port, { ALPNProtocols: ["http/1.1"] });
  idle.write("GET /dex/robots.txt HTTP/1.1\r\nHost: x\r\n\r\n");
  await once(idle, "data");
  idle.resume();
  const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
  const stream = session.request({ ":path": "/dex/echo" });
  await once(stream.resume(), "end");
  const gone = Promise.all([once(idle, "close"), once(session, "close")]);
  await server.close();
  await gone;
  assert.equal(clock.sleepers(), 0);
});

test("serves plain HTTP and HTTPS at once", async (t) => {
  const dir = await somePairs(t, "one");
  const pair = { certFile: join(dir, "one/tls.crt"), keyFile: join(dir, "one/tls.key") };
  const { server, send } = await aSite(t, [echo], {
    listeners: { http: "127.0.0.1:0", https: { address: "127.0.0.1:0", minVersion: "1.2", ...pair } },
  });
  const plain = await send("GET /dex/echo HTTP/1.1");
  assert.equal(plain.status, 200);
  assert.equal(plain.headers["strict-transport-security"], undefined);
  assert.equal(await served(portOf(server.addresses.https)), "CN=one");
});
