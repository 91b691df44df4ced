import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { text } from "./answers.ts";
import type { Route } from "./contract.ts";
import { aSite, heard, open, parseReply } from "./testing/a-site.ts";

/** A route that answers when it is let. */
function aGate(): { readonly route: Route; readonly reached: Promise<void>; readonly letGo: () => void } {
  const reached = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const handler = async () => {
    reached.resolve();
    await gate.promise;
    return text(200, "done");
  };
  return { route: { path: "/slow", surface: "json", handler }, reached: reached.promise, letGo: () => gate.resolve() };
}

const request = "GET /dex/slow HTTP/1.1\r\nHost: x\r\n\r\n";

test("finishes what is in flight, tells its client to go, and accepts nobody new", async (t) => {
  const gate = aGate();
  const { server, port } = await aSite(t, [gate.route]);
  const socket = open(port);
  socket.write(request);
  await gate.reached;
  const closed = server.close();
  const [refused] = await once(open(port), "error");
  assert.equal(refused.code, "ECONNREFUSED");
  gate.letGo();
  const reply = parseReply(await heard(socket));
  assert.deepEqual([reply.status, reply.body, reply.headers.connection], [200, "done", "close"]);
  await closed;
});

test("closes idle connections at once", async (t) => {
  const gate = aGate();
  gate.letGo();
  const { server, port, clock } = await aSite(t, [gate.route]);
  const socket = open(port);
  socket.write(request);
  await once(socket, "data");
  const ended = once(socket, "close");
  socket.resume();
  await server.close();
  await ended;
  assert.equal(clock.sleepers(), 0);
});

test("cuts off what does not end within the drain", async (t) => {
  const gate = aGate();
  const { server, port, clock } = await aSite(t, [gate.route]);
  const socket = open(port);
  socket.write(request);
  await gate.reached;
  const gone = once(socket, "close");
  socket.resume();
  socket.on("error", () => undefined);
  const closed = server.close();
  clock.wind(10_000);
  await closed;
  await gone;
});
