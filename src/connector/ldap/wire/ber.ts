/**
 * BER as LDAP uses it: definite lengths, one-byte tags (RFC 4511 §5.1). The reader trusts nobody: whatever it cannot
 * read whole it refuses, so that a cut-off "access denied" never reads as an empty "success".
 */

/** The other side speaks something else. */
export class BerError extends Error {
  override readonly name = "BerError";
}

export const tags = {
  boolean: 0x01,
  integer: 0x02,
  octets: 0x04,
  enumerated: 0x0a,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Header of one element. */
interface Header {
  readonly contentAt: number;
  readonly length: number;
}

/**
 * Where the element at `at` begins and how long it is; undefined while its header is not whole. `limit` bounds the
 * length that is believed. @throws {BerError}
 */
export function readHeader(bytes: Buffer, at: number, limit: number): Header | undefined {
  const first = bytes[at + 1];
  if (first === undefined) return undefined;
  if (first < 0x80) return { contentAt: at + 2, length: checked(first, limit) };
  const count = first - 0x80;
  // 0x80 is the indefinite form, which LDAP forbids; five bytes would exceed any limit of ours.
  if (count === 0 || count > 4) throw new BerError("unusable length");
  if (bytes.length < at + 2 + count) return undefined;
  return { contentAt: at + 2 + count, length: checked(bytes.readUIntBE(at + 2, count), limit) };
}

function checked(length: number, limit: number): number {
  if (length > limit) throw new BerError(`an element of ${length} bytes is too long`);
  return length;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** `bytes` as UTF-8, or undefined where they are none. */
export function utf8Of(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Walks through the elements of `bytes`, each of them once and whole. */
export class BerReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** The tag of the next element, undefined at the end. */
  get nextTag(): number | undefined {
    return this.#bytes[this.#at];
  }

  /** The content of the next element. @throws {BerError} It has another tag, or is cut off. */
  octets(tag: number = tags.octets): Buffer {
    if (this.nextTag !== tag) throw new BerError(`element ${tag} expected, ${this.nextTag ?? "the end"} found`);
    const header = readHeader(this.#bytes, this.#at, this.#bytes.length);
    if (header === undefined || header.contentAt + header.length > this.#bytes.length)
      throw new BerError("an element is cut off");
    this.#at = header.contentAt + header.length;
    return this.#bytes.subarray(header.contentAt, this.#at);
  }

  /** As {@link octets}, or undefined if the next element is another one. */
  optional(tag: number): Buffer | undefined {
    return this.nextTag === tag ? this.octets(tag) : undefined;
  }

  /** The elements within the next one. */
  enter(tag: number = tags.sequence): BerReader {
    return new BerReader(this.octets(tag));
  }

  /** A text that must be UTF-8. */
  text(tag: number = tags.octets): string {
    const text = utf8Of(this.octets(tag));
    if (text === undefined) throw new BerError("a text is not UTF-8");
    return text;
  }

  /** At most six bytes, more than any number of LDAP has. */
  integer(tag: number = tags.integer): number {
    const bytes = this.octets(tag);
    if (bytes.length === 0 || bytes.length > 6) throw new BerError("unusable number");
    return bytes.readIntBE(0, bytes.length);
  }

  boolean(): boolean {
    const bytes = this.octets(tags.boolean);
    if (bytes.length !== 1) throw new BerError("unusable truth value");
    return bytes[0] !== 0;
  }

  /** @throws {BerError} Something is left. */
  end(): void {
    if (!this.isAtEnd) throw new BerError("more elements than expected");
  }
}

/** An element of `tag` around `parts`. */
export function element(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Buffer.from([tag, ...lengthBytes(length)]), ...parts]);
}

function lengthBytes(length: number): readonly number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [0x80 + bytes.length, ...bytes];
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer => element(tags.sequence, ...parts);

export const octets = (value: string | Uint8Array, tag: number = tags.octets): Buffer =>
  element(tag, typeof value === "string" ? Buffer.from(value) : value);

/** `value`: 0 to 2^31 - 1, which is all that LDAP needs. RFC 4511 §4.1.1. */
export function integer(value: number, tag: number = tags.integer): Buffer {
  const bytes = Buffer.alloc(5);
  bytes.writeInt32BE(value, 1);
  // The shortest form that keeps the sign.
  let start = 1;
  while (start < 4 && bytes[start] === 0 && (bytes[start + 1] ?? 0) < 0x80) start += 1;
  return element(tag, bytes.subarray(start));
}

export const boolean = (value: boolean, tag: number = tags.boolean): Buffer =>
  element(tag, Buffer.from([value ? 0xff : 0]));
