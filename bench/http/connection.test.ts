import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { after, describe, it } from "node:test";
import { Connection } from "./connection.ts";

/** A peer on loopback that treats the n-th request of its life as `answers[n]` says; and how many sockets it saw. */
async function peer(answers: readonly ((socket: Socket) => void)[]) {
  const seen = { sockets: 0, requests: 0 };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    seen.sockets++;
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("data", () => answers[seen.requests++]?.(socket));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return { seen, endpoint: { host: "127.0.0.1", port: address.port } };
}

const ok = (body: string) => (socket: Socket) =>
  void socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
const request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

describe("a connection", () => {
  it("sends one request after another over one socket", async () => {
    const { endpoint, seen } = await peer([ok("a"), ok("b")]);
    const connection = new Connection(endpoint, 5_000);
    assert.equal((await connection.send(request)).body, "a");
    assert.equal((await connection.send(request)).body, "b");
    assert.deepEqual(seen, { sockets: 1, requests: 2 });
    connection.close();
  });

  it("reads a response that arrives in two writes", async () => {
    const halves = (socket: Socket) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-");
      setImmediate(() => socket.write("Length: 2\r\n\r\nab"));
    };
    const { endpoint } = await peer([halves]);
    const connection = new Connection(endpoint, 5_000);
    assert.equal((await connection.send(request)).body, "ab");
    connection.close();
  });

  it("opens a new socket when the server said it would close", async () => {
    const closing = (socket: Socket) =>
      void socket.end("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    const { endpoint, seen } = await peer([closing, ok("b")]);
    const connection = new Connection(endpoint, 5_000);
    await connection.send(request);
    assert.equal((await connection.send(request)).body, "b");
    assert.equal(seen.sockets, 2);
    connection.close();
  });

  it("takes the end of the stream for the end of a body without length", async () => {
    const { endpoint } = await peer([(socket) => void socket.end("HTTP/1.1 200 OK\r\n\r\nall of it")]);
    assert.equal((await new Connection(endpoint, 5_000).send(request)).body, "all of it");
  });

  it("fails once, and never sends again, when the answer is cut short, malformed or missing", async () => {
    const wrongs: readonly [RegExp, (socket: Socket) => void][] = [
      [/inside a response/, (socket) => void socket.end("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab")],
      [/status line/, (socket) => void socket.write("SSH-2.0-nothing\r\n\r\n")],
      [/without an answer/, (socket) => void socket.end()],
      [/ECONNRESET|without an answer/, (socket) => void socket.resetAndDestroy()],
    ];
    const { endpoint, seen } = await peer([...wrongs.map(([, answer]) => answer), ok("well again")]);
    const connection = new Connection(endpoint, 5_000);
    for (const [message] of wrongs) await assert.rejects(connection.send(request), message);
    assert.equal((await connection.send(request)).body, "well again");
    assert.equal(seen.requests, wrongs.length + 1);
    connection.close();
  });

  it("fails a request that is never answered", async () => {
    const { endpoint } = await peer([() => undefined]);
    await assert.rejects(new Connection(endpoint, 30).send(request), /no answer within 30 ms/);
  });

  it("fails when nobody listens", async () => {
    await assert.rejects(new Connection({ host: "127.0.0.1", port: 1 }, 5_000).send(request), /ECONNREFUSED/);
  });

  it("refuses a second request before the first is answered", async () => {
    const { endpoint } = await peer([ok("a")]);
    const connection = new Connection(endpoint, 5_000);
    const first = connection.send(request);
    assert.throws(() => connection.send(request), /one request at a time/);
    assert.equal((await first).body, "a");
    connection.close();
  });
});
