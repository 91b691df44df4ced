import { connect, type Socket } from "node:net";
import { type HttpResponse, ResponseParser } from "./response-parser.ts";

/** Where a server under test listens. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** A server may drop an idle connection after a few seconds (Node's default is 5 s): do not race it. */
const freshAfterIdleMs = 2_000;
const readBufferBytes = 65_536;

interface Pending {
  readonly resolve: (response: HttpResponse) => void;
  readonly reject: (error: Error) => void;
}

/**
 * One socket that carries one request at a time. Fails a request when the answer is malformed, cut short or
 * `deadlineMs` overdue; the next request then opens a fresh socket. Nothing is ever sent twice.
 */
export class Connection {
  readonly #endpoint: Endpoint;
  readonly #deadlineMs: number;
  #socket: Socket | undefined;
  #parser = new ResponseParser();
  #pending: Pending | undefined;
  #lastUsed = 0;

  constructor(endpoint: Endpoint, deadlineMs: number) {
    this.#endpoint = endpoint;
    this.#deadlineMs = deadlineMs;
  }

  /** Sends one complete request, Latin-1. */
  send(request: string): Promise<HttpResponse> {
    if (this.#pending !== undefined) throw new Error("a connection carries one request at a time");
    return new Promise((resolve, reject) => {
      this.#pending = { resolve, reject };
      if (this.#socket !== undefined && performance.now() - this.#lastUsed > freshAfterIdleMs) this.close();
      this.#socket ??= this.#open();
      this.#socket.write(request, "latin1");
    });
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
    this.#parser = new ResponseParser();
  }

  #open(): Socket {
    // One buffer for the life of the socket: its bytes are turned into text before the next read.
    const buffer = Buffer.allocUnsafeSlow(readBufferBytes);
    const callback = (count: number): boolean => {
      if (this.#socket === socket) this.#take(buffer.toString("latin1", 0, count));
      return true;
    };
    const socket = connect({ ...this.#endpoint, noDelay: true, onread: { buffer, callback } });
    socket.setTimeout(this.#deadlineMs, () => {
      if (this.#socket === socket && this.#pending !== undefined)
        this.#fail(new Error(`no answer within ${this.#deadlineMs} ms`));
    });
    socket.on("error", (error) => this.#socket === socket && this.#fail(error));
    socket.on("end", () => this.#socket === socket && this.#ended());
    return socket;
  }

  #take(bytes: string): void {
    try {
      const response = this.#parser.push(bytes);
      if (response !== undefined) this.#answer(response);
    } catch (error) {
      this.#fail(error);
    }
  }

  #ended(): void {
    try {
      const response = this.#parser.end();
      if (response !== undefined) this.#answer(response);
      else if (this.#pending === undefined) this.close();
      else this.#fail(new Error("the server closed the connection without an answer"));
    } catch (error) {
      this.#fail(error);
    }
  }

  #answer(response: HttpResponse): void {
    const pending = this.#pending;
    this.#pending = undefined;
    this.#lastUsed = performance.now();
    // An answer that nobody asked for leaves the stream in doubt.
    if (!response.keepAlive || pending === undefined) this.close();
    pending?.resolve(response);
  }

  #fail(cause: unknown): void {
    const pending = this.#pending;
    this.#pending = undefined;
    this.close();
    pending?.reject(cause instanceof Error ? cause : new Error("connection failed", { cause }));
  }
}
