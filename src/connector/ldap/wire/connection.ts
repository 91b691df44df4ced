/**
 * One connection to one LDAP server, which does one thing at a time. It is strict: an answer of the wrong kind, to a
 * question nobody asked, or cut off, ends the connection. (Reading such an answer leniently is how a broken "no"
 * becomes a "yes".)
 */
import { connect, isIP, type Socket } from "node:net";
import * as tls from "node:tls";
import type { Clock, Millis } from "../../../kernel/ports.ts";
import type { Secret } from "../../../kernel/secret.ts";
import { BerError, readHeader } from "./ber.ts";
import { within } from "./deadline.ts";
import { codes, LdapConnectionError, LdapResultError } from "./errors.ts";
import {
  bindRequest,
  type Control,
  decodeMessage,
  type Entry,
  type Message,
  nextPage,
  pagedResults,
  type Result,
  type SearchRequest,
  searchRequest,
  startTlsRequest,
  unbindRequest,
} from "./message.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** How the connection is protected. */
export type Protection =
  | { readonly mode: "none" }
  | {
      readonly mode: "startTLS" | "ldaps";
      /** Authorities, our own certificate, versions. */
      readonly secureContext: tls.SecureContext;
      readonly rejectUnauthorized: boolean;
    };

type Tls = Exclude<Protection, { readonly mode: "none" }>;

export interface ConnectionOptions {
  readonly protection: Protection;
  readonly clock: Clock;
  /** For the connection, TLS included. */
  readonly connectTimeout: Millis;
  /** For each question. */
  readonly requestTimeout: Millis;
}

export interface BindAnswer {
  readonly result: Result;
  readonly controls: readonly Control[];
}

export interface PagedSearch extends Omit<SearchRequest, "timeLimit"> {
  /** Entries per answer; absent: all in one. */
  readonly pageSize?: number;
}

/** One message: far more than an entry of a person or a group needs. */
const maxMessage = 8 * 1024 * 1024;
/** One search, so that a server that never ends fills no memory. */
const maxEntries = 100_000;
const maxSearchBytes = 128 * 1024 * 1024;

interface Question {
  readonly id: number;
  hear(message: Message): void;
  fail(error: Error): void;
}

export class LdapConnection {
  readonly address: Address;
  readonly #options: ConnectionOptions;
  #socket: Socket;
  #question: Question | undefined;
  #lastId = 0;
  #chunks: Buffer[] = [];
  #size = 0;
  /** Bytes of the message that has begun; 0 while its header is not whole. */
  #awaited = 0;
  #bytesHeard = 0;
  #ended: Error | undefined;
  #stopListening: () => void = () => undefined;

  private constructor(address: Address, socket: Socket, options: ConnectionOptions) {
    this.address = address;
    this.#socket = socket;
    this.#options = options;
    this.#listen(socket);
  }

  /** Connects, and is protected when it resolves. @throws {LdapConnectionError} */
  static open(address: Address, options: ConnectionOptions, signal: AbortSignal): Promise<LdapConnection> {
    const { protection, clock, connectTimeout } = options;
    return within(connectTimeout, clock, signal, async (ending) => {
      if (protection.mode === "ldaps") {
        const socket = tls.connect({ ...tlsOptions(address, protection), port: address.port });
        await established(socket, "secureConnect", ending);
        return new LdapConnection(address, socket, options);
      }
      const socket = connect({ host: address.host, port: address.port });
      await established(socket, "connect", ending);
      const connection = new LdapConnection(address, socket, options);
      if (protection.mode === "startTLS") await connection.#startTls(protection, ending);
      return connection;
    });
  }

  /** What protects it; undefined: nothing does. */
  get tls(): tls.TLSSocket | undefined {
    return this.#socket instanceof tls.TLSSocket ? this.#socket : undefined;
  }

  get isUsable(): boolean {
    return this.#ended === undefined && this.#question === undefined;
  }

  /** The answer, whatever it is. An empty password with a DN would be no check at all: RFC 4513 §5.1.2. */
  async bind(dn: string, password: Secret, signal: AbortSignal, controls?: readonly Control[]): Promise<BindAnswer> {
    if (dn !== "" && password.reveal() === "") throw new Error("a bind with a name needs a password");
    const answer = await this.#ask("bound", signal, (id) => bindRequest(id, dn, password, controls));
    return { result: answer.result, controls: answer.controls };
  }

  /**
   * All entries, page by page. @throws {LdapResultError} @throws {LdapConnectionError} Also for more entries or bytes
   * than anybody's groups have.
   */
  async search(search: PagedSearch, signal: AbortSignal): Promise<readonly Entry[]> {
    const entries: Entry[] = [];
    this.#bytesHeard = 0;
    const timeLimit = Math.ceil(this.#options.requestTimeout / 1000);
    let cookie: Buffer | undefined = Buffer.alloc(0);
    while (cookie !== undefined) {
      const controls: Control[] = search.pageSize === undefined ? [] : [pagedResults(search.pageSize, cookie)];
      const done = await this.#ask(
        "searched",
        signal,
        (id) => searchRequest(id, { ...search, timeLimit }, controls),
        (entry) => entries.push(entry) <= maxEntries && this.#bytesHeard <= maxSearchBytes,
      );
      const isCutOnPurpose = done.result.code === codes.sizeLimitExceeded && search.sizeLimit > 0;
      if (done.result.code !== codes.success && !isCutOnPurpose)
        throw new LdapResultError(done.result.code, done.result.diagnostic);
      cookie = search.pageSize === undefined ? undefined : this.#nextPage(done.controls);
    }
    return entries;
  }

  close(): void {
    if (this.#ended !== undefined) return;
    const socket = this.#socket;
    const reason = new LdapConnectionError("the connection was closed");
    if (this.#question !== undefined) {
      this.#end(reason);
      return;
    }
    this.#ended = reason;
    socket.end(unbindRequest(this.#nextId()), () => socket.destroy());
  }

  async #startTls(protection: Tls, signal: AbortSignal): Promise<void> {
    const { result } = await this.#ask("extended", signal, startTlsRequest);
    if (result.code !== codes.success) {
      const refusal = new LdapResultError(result.code, result.diagnostic);
      throw this.#end(new LdapConnectionError("the server refuses StartTLS", { cause: refusal }));
    }
    // Somebody on the way put words into the server's mouth before it could be recognised. RFC 4511 §4.14.2.
    if (this.#size > 0) throw this.#end(new LdapConnectionError("there was plain text after StartTLS"));
    const plain = this.#socket;
    this.#stopListening();
    const socket = tls.connect({ ...tlsOptions(this.address, protection), socket: plain });
    try {
      await established(socket, "secureConnect", signal);
    } catch (error) {
      this.#ended = error as Error;
      plain.destroy();
      throw error;
    }
    this.#socket = socket;
    this.#listen(socket);
  }

  #listen(socket: Socket): void {
    const hear = (chunk: Buffer): void => this.#hear(chunk);
    const broke = (error: Error): void => {
      this.#end(new LdapConnectionError("the connection broke", { cause: error }));
    };
    const closed = (): void => {
      this.#end(new LdapConnectionError("the server closed the connection"));
    };
    socket.on("data", hear).on("error", broke).on("close", closed);
    this.#stopListening = () => socket.off("data", hear).off("error", broke).off("close", closed);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 60_000);
  }

  /** Asks and waits for the one answer of `kind`. Entries before it go to `take`, which says whether to go on. */
  #ask<Kind extends "bound" | "searched" | "extended">(
    kind: Kind,
    signal: AbortSignal,
    request: (id: number) => Buffer,
    take?: (entry: Entry) => boolean,
  ): Promise<Extract<Message, { readonly kind: "bound" | "searched" | "extended" }>> {
    const { clock, requestTimeout } = this.#options;
    return within(requestTimeout, clock, signal, (ending) => {
      if (this.#ended !== undefined) throw this.#ended;
      if (this.#question !== undefined) throw new Error("one question at a time");
      return new Promise((resolve, reject) => {
        const over = new AbortController();
        const id = this.#nextId();
        const fail = (error: Error): void => {
          over.abort();
          this.#question = undefined;
          reject(error);
        };
        // The server may still answer, and nobody would know to what.
        ending.addEventListener("abort", () => this.#end(ending.reason), { once: true, signal: over.signal });
        const hear = (message: Message): void => {
          if (message.kind === kind && "result" in message) {
            over.abort();
            this.#question = undefined;
            resolve(message);
          } else if (take === undefined || (message.kind !== "entry" && message.kind !== "reference")) {
            throw new BerError(`an answer of the wrong kind: ${message.kind}`);
          } else if (message.kind === "entry" && !take(message.entry)) {
            throw new BerError("more entries than anybody asked for");
          }
        };
        this.#question = { id, hear, fail };
        this.#socket.write(request(id));
      });
    });
  }

  #hear(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    this.#bytesHeard += chunk.length;
    // A long message arrives in many pieces: they are put together once.
    if (this.#size < this.#awaited) return;
    try {
      this.#readMessages();
    } catch (error) {
      this.#end(noLdap(error));
    }
  }

  #readMessages(): void {
    let rest = this.#chunks.length === 1 ? (this.#chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#chunks);
    for (;;) {
      if (rest.length > 0 && rest[0] !== 0x30) throw new BerError("this is no LDAP");
      const header = readHeader(rest, 0, maxMessage);
      const end = header === undefined ? 0 : header.contentAt + header.length;
      if (header === undefined || rest.length < end) {
        this.#chunks = rest.length === 0 ? [] : [rest];
        this.#size = rest.length;
        this.#awaited = end;
        return;
      }
      this.#dispatch(decodeMessage(rest.subarray(0, end)));
      if (this.#ended !== undefined) return;
      rest = rest.subarray(end);
    }
  }

  #dispatch(message: Message): void {
    // Unsolicited: the notice of disconnection. RFC 4511 §4.4.1.
    if (message.id === 0 && message.kind === "extended") {
      const cause = new LdapResultError(message.result.code, message.result.diagnostic);
      this.#end(new LdapConnectionError("the server ends the connection", { cause }));
    } else if (this.#question?.id === message.id) this.#question.hear(message);
    else throw new BerError("an answer that nobody waits for");
  }

  #nextPage(controls: readonly Control[]): Buffer | undefined {
    // Pages without entries count as well, or a server could send them for ever.
    if (this.#bytesHeard > maxSearchBytes) throw this.#end(new LdapConnectionError("the search has no end"));
    try {
      return nextPage(controls);
    } catch (error) {
      throw this.#end(noLdap(error));
    }
  }

  #end(reason: Error): Error {
    if (this.#ended !== undefined) return this.#ended;
    this.#ended = reason;
    this.#chunks = [];
    this.#size = 0;
    this.#socket.destroy();
    this.#question?.fail(reason);
    return reason;
  }

  #nextId(): number {
    this.#lastId = (this.#lastId % 0x7fffffff) + 1;
    return this.#lastId;
  }
}

const noLdap = (cause: unknown): LdapConnectionError =>
  new LdapConnectionError("the server does not speak LDAP", { cause });

function tlsOptions(address: Address, { secureContext, rejectUnauthorized }: Tls): tls.ConnectionOptions {
  return {
    secureContext,
    rejectUnauthorized,
    host: address.host,
    // An address has no place in SNI (RFC 6066 §3); it is still checked against the certificate.
    servername: isIP(address.host) === 0 ? address.host : "",
    checkServerIdentity: (_, certificate) =>
      // Node would fall back to the common name, which nobody else has believed for years. RFC 9525 §6.3.
      certificate.subjectaltname === undefined
        ? new Error("the certificate names no host: it has no subjectAltName")
        : tls.checkServerIdentity(address.host, certificate),
  };
}

function established(socket: Socket, event: "connect" | "secureConnect", signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const over = new AbortController();
    const fail = (reason: Error): void => {
      over.abort();
      socket.on("error", () => undefined);
      socket.destroy();
      reject(reason);
    };
    const broke = (error: Error): void => fail(new LdapConnectionError("failed to connect", { cause: error }));
    const closed = (): void => fail(new LdapConnectionError("the server closed the connection"));
    signal.addEventListener("abort", () => fail(signal.reason), { once: true, signal: over.signal });
    socket.once("error", broke);
    socket.once("close", closed);
    socket.once(event, () => {
      over.abort();
      socket.off("error", broke).off("close", closed);
      resolve();
    });
  });
}
