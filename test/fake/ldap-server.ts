import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { BerReader, element, integer, octets, readHeader, sequence } from "../../src/connector/ldap/wire/ber.ts";

/** What a client asked. */
export interface LdapRequest {
  readonly id: number;
  readonly kind: "bind" | "search" | "startTLS" | "unbind" | "other";
  /** The name of a bind, the base of a search. */
  readonly name: string;
  /** Counts connections from 0. */
  readonly connection: number;
}

/** A server on loopback that speaks as much LDAP as a test gives it. */
export interface FakeLdap {
  readonly port: number;
  readonly requests: readonly LdapRequest[];
  /** Open connections, and all there were. */
  readonly connections: { readonly open: number; readonly total: number };
  close(): Promise<void>;
}

/** `answer` returns the bytes to send, or nothing. It may write to the socket, or end it, on its own. */
export type Answer = (request: LdapRequest, socket: Socket) => Uint8Array | undefined;

export async function fakeLdap(answer: Answer): Promise<FakeLdap> {
  const requests: LdapRequest[] = [];
  const sockets = new Set<Socket>();
  let total = 0;
  const server = createServer((socket) => {
    const connection = total++;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    let buffer = Buffer.alloc(0);
    socket.on("data", (chunk) => {
      buffer = Buffer.concat([buffer, chunk]);
      for (let next = takeMessage(buffer); next !== undefined; next = takeMessage(buffer)) {
        buffer = buffer.subarray(next.length);
        const request = { ...readRequest(next), connection };
        requests.push(request);
        const bytes = answer(request, socket);
        if (bytes !== undefined) socket.write(bytes);
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    get connections() {
      return { open: sockets.size, total };
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function takeMessage(buffer: Buffer): Buffer | undefined {
  // Not LDAP, as a TLS handshake is.
  if (buffer[0] !== 0x30) return undefined;
  const header = readHeader(buffer, 0, 1_000_000);
  const end = header === undefined ? Number.POSITIVE_INFINITY : header.contentAt + header.length;
  return buffer.length < end ? undefined : buffer.subarray(0, end);
}

const kinds: Readonly<Record<number, LdapRequest["kind"]>> = {
  96: "bind",
  99: "search",
  119: "startTLS",
  66: "unbind",
};

function readRequest(bytes: Buffer): Omit<LdapRequest, "connection"> {
  const message = new BerReader(bytes).enter();
  const id = message.integer();
  const tag = message.nextTag ?? 0;
  const operation = message.enter(tag);
  if (tag === 0x60) operation.integer();
  const name = tag === 0x60 || tag === 0x63 ? operation.text() : "";
  return { id, kind: kinds[tag] ?? "other", name };
}

const response =
  (tag: number) =>
  (id: number, code = 0, diagnostic = "") =>
    sequence(integer(id), element(tag, integer(code, 0x0a), octets(""), octets(diagnostic)));

export const bound = response(0x61);
export const searched = response(0x65);
export const extended = response(0x78);

export const entry = (id: number, dn: string, attributes: Readonly<Record<string, string>> = {}): Buffer =>
  sequence(
    integer(id),
    element(
      0x64,
      octets(dn),
      sequence(
        ...Object.entries(attributes).map(([name, value]) => sequence(octets(name), element(0x31, octets(value)))),
      ),
    ),
  );

export const reference = (id: number, url: string): Buffer => sequence(integer(id), element(0x73, octets(url)));

/** A directory with jane/foo in it. `spoil` answers first. */
export const janesDirectory =
  (spoil: Answer = () => undefined): Answer =>
  (request, socket) => {
    const spoilt = spoil(request, socket);
    if (spoilt !== undefined || request.kind === "unbind") return spoilt;
    if (request.kind === "bind") return bound(request.id);
    const jane = entry(request.id, "cn=jane", { uid: "jane", mail: "jane@example.com" });
    return Buffer.concat([jane, searched(request.id)]);
  };
