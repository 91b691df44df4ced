/**
 * An ECDSA signature as X.509 writes it, SEQUENCE { INTEGER r, INTEGER s }, turned into JOSE's r‖s of fixed
 * length (RFC 7518 §3.4). Ours, because asking OpenSSL through Node for r‖s more than halves the rate of signing.
 * @throws {Error} `der` is no such signature, or r or s is longer than `coordinateBytes`.
 */
export function derToRaw(der: Uint8Array, coordinateBytes: number): Buffer {
  const raw = Buffer.alloc(2 * coordinateBytes);
  const sequence = readHeader(der, 0, 0x30);
  if (sequence.end !== der.length) throw malformed();
  const r = readHeader(der, sequence.start, 0x02);
  const s = readHeader(der, r.end, 0x02);
  if (s.end !== der.length) throw malformed();
  copyInteger(der, r, raw, coordinateBytes);
  copyInteger(der, s, raw, 2 * coordinateBytes);
  return raw;
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** Where the content of the element at `at` lies. X.690 §8.1.3; a P-521 signature needs the two-byte length. */
function readHeader(der: Uint8Array, at: number, tag: number): Span {
  if (der[at] !== tag) throw malformed();
  const first = der[at + 1];
  if (first === undefined) throw malformed();
  const isLong = first === 0x81;
  const length = isLong ? der[at + 2] : first;
  // X.690 §10.1: the long form only where the short one does not reach.
  if (length === undefined || length > 0x7f !== isLong) throw malformed();
  const start = at + (isLong ? 3 : 2);
  if (start + length > der.length) throw malformed();
  return { start, end: start + length };
}

/** Copies an unsigned integer so that it ends at `end` of `raw`; the zeros before it are there already. */
function copyInteger(der: Uint8Array, { start, end }: Span, raw: Buffer, rawEnd: number): void {
  if (start === end) throw malformed();
  // A leading zero byte only keeps the number from reading as negative. X.690 §8.3.
  const from = der[start] === 0 ? start + 1 : start;
  if (end - from > raw.length / 2) throw malformed();
  raw.set(der.subarray(from, end), rawEnd - (end - from));
}

const malformed = (): Error => new Error("not a DER signature of this curve");
