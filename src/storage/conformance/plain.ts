import { Secret } from "../../kernel/secret.ts";

/** A record as a test compares it: secrets opened, bytes as hex, members in one order. */
export function plain(value: unknown): unknown {
  if (value instanceof Secret) return { secret: plain(value.reveal()) };
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString("hex") };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(
      Object.entries(value)
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .map(([key, item]) => [key, plain(item)]),
    );
  return value;
}
