import { z } from "zod";

/**
 * JSON as an upstream means it: an integer that a double cannot hold comes back as a `bigint`, so that two neighbouring
 * user ids stay two users. Of a repeated key the last counts. @throws {SyntaxError} Its message quotes nothing.
 */
export function parseJson(text: string): unknown {
  try {
    // Only a text with so many digits in a row can hold one; the slow way is for those.
    return /\d{16}/.test(text) ? JSON.parse(text, exactInteger) : JSON.parse(text);
  } catch {
    throw new SyntaxError("not JSON");
  }
}

function exactInteger(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const isLossy = typeof value === "number" && !Number.isSafeInteger(value);
  return isLossy && /^-?\d+$/.test(context?.source ?? "") ? BigInt(context?.source ?? "") : value;
}

/** An id that is a whole number above zero, and nothing else: Go's zero would make everybody one person. Exact beyond 2^53. */
export const numericId = z.union([z.int().positive(), z.bigint().positive()]).transform(String);

/** A member that is `null` or absent where text is expected: Go's zero value. */
export const looseText = z
  .string()
  .nullish()
  .transform((value) => value ?? "");
