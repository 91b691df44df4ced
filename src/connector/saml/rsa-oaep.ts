import { constants, createHash, type KeyObject, privateDecrypt, timingSafeEqual } from "node:crypto";
import type { Hash } from "./algorithms.ts";

/** How a key is wrapped. XML Encryption 1.1 §5.5.2. */
export interface OaepWay {
  readonly hash: Hash;
  /** Of the mask generation, which may be another. */
  readonly mask: Hash;
  /** OAEPparams; empty: none. */
  readonly label: Buffer;
}

const webNames: Readonly<Record<Hash, string>> = {
  sha1: "SHA-1",
  sha256: "SHA-256",
  sha384: "SHA-384",
  sha512: "SHA-512",
};

/** Opens with one RSA key what RSA-OAEP has closed; undefined, whatever is wrong. RFC 8017 §7.1.2. */
export async function openOaep(key: KeyObject, wrapped: Buffer, way: OaepWay): Promise<Uint8Array | undefined> {
  try {
    return way.hash === way.mask ? await openOffTheLoop(key, wrapped, way) : openByHand(key, wrapped, way);
  } catch {
    return undefined;
  }
}

/** WebCrypto leaves the event loop free for the milliseconds that RSA takes, and knows one hash for both. */
async function openOffTheLoop(key: KeyObject, wrapped: Buffer, { hash, label }: OaepWay): Promise<Uint8Array> {
  const pkcs8 = new Uint8Array(key.export({ type: "pkcs8", format: "der" }));
  const imported = await crypto.subtle.importKey("pkcs8", pkcs8, { name: "RSA-OAEP", hash: webNames[hash] }, false, [
    "decrypt",
  ]);
  const algorithm = { name: "RSA-OAEP", ...(label.length === 0 ? {} : { label: new Uint8Array(label) }) };
  return new Uint8Array(await crypto.subtle.decrypt(algorithm, imported, new Uint8Array(wrapped)));
}

/**
 * The same for two hashes, which nothing in Node does: RSA itself, then the padding. Every fault is found by the same
 * work and told by the same answer: which one it was would open the next message (Manger, CRYPTO 2001).
 */
function openByHand(key: KeyObject, wrapped: Buffer, { hash, mask, label }: OaepWay): Uint8Array | undefined {
  const wanted = createHash(hash).update(label).digest();
  const block = privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, wrapped);
  const size = wanted.length;
  if (block.length < 2 * size + 2) return undefined;
  const [maskedSeed, maskedData] = [block.subarray(1, 1 + size), block.subarray(1 + size)];
  const seed = xor(maskedSeed, mgf1(maskedData, size, mask));
  const data = xor(maskedData, mgf1(seed, maskedData.length, mask));
  let isWrong = (block[0] ?? 1) | Number(!timingSafeEqual(data.subarray(0, size), wanted));
  // Zeroes, a one, and then what was closed; all of it is looked at, wherever the one stands.
  let isFound = 0;
  let start = 0;
  for (let at = size; at < data.length; at++) {
    const byte = data[at] ?? 0;
    const isOne = Number(byte === 1) & (1 - isFound);
    isWrong |= (1 - isFound) & (1 - isOne) & Number(byte !== 0);
    start += isOne * (at + 1);
    isFound |= isOne;
  }
  isWrong |= 1 - isFound;
  return isWrong === 0 ? data.subarray(start) : undefined;
}

/** RFC 8017 appendix B.2.1. */
function mgf1(seed: Uint8Array, length: number, hash: Hash): Buffer {
  const blocks: Buffer[] = [];
  const counter = Buffer.alloc(4);
  for (let made = 0, turn = 0; made < length; turn++) {
    counter.writeUInt32BE(turn);
    const block = createHash(hash).update(seed).update(counter).digest();
    blocks.push(block);
    made += block.length;
  }
  return Buffer.concat(blocks).subarray(0, length);
}

const xor = (left: Uint8Array, right: Uint8Array): Buffer =>
  Buffer.from(left.map((byte, index) => byte ^ (right[index] ?? 0)));
