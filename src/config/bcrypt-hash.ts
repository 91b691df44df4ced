import { bcryptCost } from "../kernel/bcrypt-cost.ts";

/** What a bcrypt hash says of itself. */
export interface BcryptHash {
  readonly hash: Uint8Array;
  readonly cost: number;
}

/**
 * The hash in `text`: bcrypt's own text, or standard base64 of it, as older files have it.
 * @throws {Error} In Go's words, but without a password's characters, should one stand there by mistake.
 */
export function readBcryptHash(text: string): BcryptHash {
  try {
    return { hash: Buffer.from(text), cost: bcryptCost(text) };
  } catch (error) {
    const decoded = decodeBase64(text);
    if (decoded === undefined) throw error;
    return { hash: decoded, cost: bcryptCost(decoded.toString("latin1")) };
  }
}

function decodeBase64(text: string): Buffer | undefined {
  const compact = text.replace(/[\r\n]/g, "");
  const isBase64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(compact);
  return isBase64 ? Buffer.from(compact, "base64") : undefined;
}
