import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";

/** Passwords that are known to attackers. NIST SP 800-63B §3.1.1.2. */
export interface BreachedPasswords {
  has(password: string): Promise<boolean>;
  close(): Promise<void>;
}

/** One line fits: a password of more bytes is none of ours. */
const window = 1024;
const newline = 0x0a;
/** A published list of a billion hashes is found its way in with 30 reads. */
const mostSteps = 64;
const samples = 32;

/**
 * A sorted file, searched by halves: a few short reads for each password, whatever its size. The lines are passwords, or
 * SHA-1 hashes or beginnings of at least ten digits of them, with or without `:count` as the published lists have it.
 * @throws {Error} The file cannot be read, is empty, or is not sorted bytewise.
 */
export async function openBreachedPasswords(path: string): Promise<BreachedPasswords> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const first = await lineFrom(file, 0);
    if (size === 0 || first.text.length === 0) throw new Error(`${path}: the list of breached passwords is empty`);
    const isHashed = hashLine.test(first.text.toString("latin1"));
    await assertSorted(file, size, path);
    return {
      has: (password) => search(file, size, isHashed ? hashOrder(password) : plainOrder(password)),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

const hashLine = /^([0-9A-F]{10,40})(?::\d+)?$/i;

/** Where a line stands: before (negative), at, or after what is looked for. */
type Order = (line: Buffer) => number;

function plainOrder(password: string): Order {
  const wanted = Buffer.from(password);
  return (line) => Buffer.compare(line, wanted);
}

function hashOrder(password: string): Order {
  const hash = createHash("sha1").update(password).digest("hex").toUpperCase();
  return (line) => {
    const text = hashLine.exec(line.toString("latin1"))?.[1]?.toUpperCase() ?? line.toString("latin1");
    const wanted = hash.slice(0, text.length);
    return text < wanted ? -1 : text > wanted ? 1 : 0;
  };
}

interface Line {
  readonly text: Buffer;
  /** Of its first byte. */
  readonly start: number;
  /** After its line break. */
  readonly end: number;
}

/** The line that begins at `start`. */
async function lineFrom(file: FileHandle, start: number): Promise<Line> {
  const buffer = Buffer.alloc(window);
  let { bytesRead } = await file.read(buffer, 0, window, start);
  const isWhole = bytesRead < window;
  const at = buffer.subarray(0, bytesRead).indexOf(newline);
  if (at >= 0) bytesRead = at;
  else if (!isWhole) throw new Error(`a line of the list of breached passwords is longer than ${window} bytes`);
  const text = buffer.subarray(0, bytesRead);
  const isCrLf = text.at(-1) === 0x0d;
  return { text: isCrLf ? text.subarray(0, -1) : text, start, end: start + bytesRead + 1 };
}

/** The line that holds the byte at `offset`. */
async function lineAround(file: FileHandle, offset: number): Promise<Line> {
  const from = Math.max(0, offset - window);
  const buffer = Buffer.alloc(offset - from);
  await file.read(buffer, 0, buffer.length, from);
  const before = buffer.lastIndexOf(newline);
  if (before < 0 && from > 0)
    throw new Error(`a line of the list of breached passwords is longer than ${window} bytes`);
  return lineFrom(file, from + before + 1);
}

async function search(file: FileHandle, size: number, order: Order): Promise<boolean> {
  let [low, high] = [0, size];
  for (let steps = 0; low < high && steps < mostSteps; steps++) {
    const line = await lineAround(file, Math.floor((low + high) / 2));
    const found = order(line.text);
    if (found === 0) return true;
    if (found < 0) low = line.end;
    else high = line.start;
  }
  return false;
}

/** Looks at a few places only: enough to notice a list in another order. */
async function assertSorted(file: FileHandle, size: number, path: string): Promise<void> {
  let before: Buffer | undefined;
  for (let step = 0; step < samples; step++) {
    const { text } = await lineAround(file, Math.floor((size * step) / samples));
    const line = Buffer.from(text);
    if (before !== undefined && Buffer.compare(before, line) > 0) {
      throw new Error(`${path}: the list of breached passwords is not sorted bytewise (LC_ALL=C sort)`);
    }
    before = line;
  }
}
