/** @throws {Error} Without its cause: the parser's own words quote the text, and that may be a private key. */
export function parseJson(text: string, column: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`the column ${column} holds no JSON`);
  }
}
