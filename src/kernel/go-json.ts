const escapes: Readonly<Record<string, string>> = {
  "<": "\\u003c",
  ">": "\\u003e",
  "&": "\\u0026",
  "\u2028": "\\u2028",
  "\u2029": "\\u2029",
};

/**
 * Compact JSON, byte for byte as Go's encoder writes it, without its newline: clients and recordings compare
 * bodies. `<`, `>` and `&` are escaped, so a body that a browser sniffs as HTML stays harmless. All five
 * characters can stand only inside strings, which is why replacing them in the finished text is right.
 * compat(dex): encoding/json.
 */
export function goJson(value: object | string | number | boolean | null): string {
  const json = JSON.stringify(value);
  // A lone surrogate cannot be UTF-8. JSON.stringify escapes it, Go replaces it.
  const text = json.includes("\\ud") ? json.replace(/(?<!\\)((?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/g, "$1\\ufffd") : json;
  return /[<>&\u2028\u2029]/.test(text) ? text.replace(/[<>&\u2028\u2029]/g, (char) => escapes[char] ?? char) : text;
}
