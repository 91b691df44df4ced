/**
 * The load driver's HTTP/1.1 client: a response parser, one keep-alive connection, one browser.
 *
 * It exists because a general client costs more processor time per request than some of the servers under
 * test, and generator and server share two cores. It reads what the measured flows need and refuses the
 * rest loudly: a malformed answer is a failed operation, never a guess. RFC 9112.
 */

/** One complete response. Text is Latin-1: one character per byte, so any split of the stream reads alike. */
export interface HttpResponse {
  readonly status: number;
  readonly location: string | undefined;
  /** One entry per `Set-Cookie` line; they must never be joined. RFC 6265 §3. */
  readonly setCookies: readonly string[];
  readonly body: string;
  /** Whether the connection may carry another request. */
  readonly keepAlive: boolean;
}

/** The bytes are no HTTP/1.1 response, or one that answers no GET or POST. */
export class MalformedResponseError extends Error {
  override readonly name = "MalformedResponseError";
}

interface Head {
  readonly status: number;
  readonly location: string | undefined;
  readonly setCookies: readonly string[];
  readonly keepAlive: boolean;
  /** Bytes of body, "chunked", or "close" when only the end of the stream ends it. RFC 9112 §6.3. */
  readonly framing: number | "chunked" | "close";
}

const maxHeadBytes = 65_536;
const noCookies: readonly string[] = [];

/** Reads responses to GET and POST (never HEAD), one after the other. */
export class ResponseParser {
  #text = "";
  #head: Head | undefined;
  /** Where the unread part of the body starts in `#text`. */
  #at = 0;
  #chunks = "";

  /** True between responses: a stream that ends now has lost nothing. */
  get isIdle(): boolean {
    return this.#text === "" && this.#head === undefined;
  }

  /**
   * Takes the next bytes of the stream; resolves to the response they complete, or undefined.
   * @throws {MalformedResponseError} Also for bytes after the response: nothing was asked for them.
   */
  push(bytes: string): HttpResponse | undefined {
    this.#text = this.#text === "" ? bytes : this.#text + bytes;
    this.#head ??= this.#readHead();
    if (this.#head === undefined) return undefined;
    const { framing } = this.#head;
    if (framing === "chunked") return this.#readChunks(this.#head);
    if (framing === "close") return undefined;
    const end = this.#at + framing;
    return this.#text.length < end ? undefined : this.#complete(this.#head, this.#text.slice(this.#at, end), end);
  }

  /** The peer closed. @returns The response that only this could end, if any. @throws {MalformedResponseError} Cut short. */
  end(): HttpResponse | undefined {
    if (this.isIdle) return undefined;
    if (this.#head?.framing !== "close") throw new MalformedResponseError("the connection closed inside a response");
    return this.#complete(this.#head, this.#text.slice(this.#at), this.#text.length);
  }

  #complete(head: Head, body: string, end: number): HttpResponse {
    if (end !== this.#text.length) throw new MalformedResponseError("bytes follow the response");
    this.#text = "";
    this.#head = undefined;
    this.#at = 0;
    this.#chunks = "";
    const { status, location, setCookies, keepAlive } = head;
    return { status, location, setCookies, body, keepAlive };
  }

  #readHead(): Head | undefined {
    for (;;) {
      const end = this.#text.indexOf("\r\n\r\n");
      if (end > maxHeadBytes || (end < 0 && this.#text.length > maxHeadBytes))
        throw new MalformedResponseError("head too large");
      if (end < 0) return undefined;
      const head = parseHead(this.#text, end);
      if (head.status >= 200) {
        this.#at = end + 4;
        return head;
      }
      if (head.status === 101) throw new MalformedResponseError("switched protocols unasked");
      // An interim response has no body; the final one follows. RFC 9110 §15.2.
      this.#text = this.#text.slice(end + 4);
    }
  }

  #readChunks(head: Head): HttpResponse | undefined {
    const text = this.#text;
    for (;;) {
      const sizeEnd = text.indexOf("\r\n", this.#at);
      if (sizeEnd < 0) return undefined;
      const size = chunkSize(text.slice(this.#at, sizeEnd));
      if (size === 0) {
        const end = endOfTrailers(text, sizeEnd + 2);
        return end === undefined ? undefined : this.#complete(head, this.#chunks, end);
      }
      const dataEnd = sizeEnd + 2 + size;
      if (text.length < dataEnd + 2) return undefined;
      if (!text.startsWith("\r\n", dataEnd)) throw new MalformedResponseError("chunk longer than its size");
      this.#chunks += text.slice(sizeEnd + 2, dataEnd);
      this.#at = dataEnd + 2;
    }
  }
}

/** Past the trailer section, which is skipped, or undefined while it is incomplete. RFC 9112 §7.1.2. */
function endOfTrailers(text: string, start: number): number | undefined {
  let at = start;
  for (;;) {
    const lineEnd = text.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    if (lineEnd === at) return lineEnd + 2;
    at = lineEnd + 2;
  }
}

function chunkSize(line: string): number {
  const size = /^([0-9a-f]{1,8})[ \t]*(?:;.*)?$/i.exec(line)?.[1];
  if (size === undefined) throw new MalformedResponseError("bad chunk size");
  return Number.parseInt(size, 16);
}

/** `text` up to `end` (its empty line) is status line and fields. Only four fields matter; the rest is stepped over. */
function parseHead(text: string, end: number): Head {
  const status = statusOf(text);
  let location: string | undefined;
  let setCookies: string[] | undefined;
  let length: number | undefined;
  let isChunked = false;
  let keepAlive = text.charCodeAt(7) === 0x31;
  let at = text.indexOf("\r\n") + 2;
  while (at < end) {
    const lineEnd = text.indexOf("\r\n", at);
    const colon = text.indexOf(":", at);
    if (colon <= at || colon > lineEnd) throw new MalformedResponseError("a header line without a name");
    // Comparing lengths first means that most names are never copied.
    switch (colon - at) {
      case 8:
        if (isNamed(text, at, colon, "location")) location = text.slice(colon + 1, lineEnd).trim();
        break;
      case 10:
        if (isNamed(text, at, colon, "set-cookie")) {
          setCookies ??= [];
          setCookies.push(text.slice(colon + 1, lineEnd).trim());
        } else if (isNamed(text, at, colon, "connection")) {
          keepAlive = keepsAlive(text.slice(colon + 1, lineEnd), keepAlive);
        }
        break;
      case 14:
        if (isNamed(text, at, colon, "content-length"))
          length = contentLength(text.slice(colon + 1, lineEnd).trim(), length);
        break;
      case 17:
        if (isNamed(text, at, colon, "transfer-encoding"))
          isChunked = isChunkedOnly(text.slice(colon + 1, lineEnd).trim());
        break;
      default:
    }
    at = lineEnd + 2;
  }
  // Both framings at once is how responses are smuggled past a proxy. RFC 9112 §6.3.
  if (isChunked && length !== undefined) throw new MalformedResponseError("both Content-Length and Transfer-Encoding");
  const hasNoBody = status < 200 || status === 204 || status === 304;
  const framing = hasNoBody ? 0 : isChunked ? "chunked" : (length ?? "close");
  return {
    status,
    location,
    setCookies: setCookies ?? noCookies,
    keepAlive: keepAlive && framing !== "close",
    framing,
  };
}

function statusOf(text: string): number {
  const status = Number(text.slice(9, 12));
  const wellFormed =
    text.startsWith("HTTP/1.") &&
    text.charCodeAt(8) === 0x20 &&
    (text.charCodeAt(12) === 0x20 || text.charCodeAt(12) === 0x0d);
  if (!wellFormed || !Number.isInteger(status) || status < 100 || status > 599)
    throw new MalformedResponseError("no HTTP/1.x status line");
  return status;
}

function isNamed(text: string, start: number, end: number, name: string): boolean {
  const written = text.slice(start, end);
  return written === name || written.toLowerCase() === name;
}

/** RFC 9112 §9.3: `byDefault` is what the version says. */
function keepsAlive(options: string, byDefault: boolean): boolean {
  if (/\bclose\b/i.test(options)) return false;
  return byDefault || /\bkeep-alive\b/i.test(options);
}

function contentLength(value: string, earlier: number | undefined): number {
  const length = /^\d{1,15}$/.test(value) ? Number(value) : undefined;
  if (length === undefined || (earlier !== undefined && earlier !== length))
    throw new MalformedResponseError("bad Content-Length");
  return length;
}

function isChunkedOnly(value: string): true {
  if (value.toLowerCase() !== "chunked") throw new MalformedResponseError("a transfer coding other than chunked");
  return true;
}
