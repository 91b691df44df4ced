import { readFileSync } from "node:fs";

const isPem = (text: string): boolean => text.includes("-----BEGIN CERTIFICATE-----");

/**
 * `rootCAs` as PEM texts. Each entry is a path, base64 of PEM, or PEM, tried in this order. `key` names it in errors.
 * @throws {Error} An entry is none of these. compat(dex): pkg/httpclient, whose sentence it is.
 */
export function readRootCAs(entries: readonly string[], key = "rootCAs"): readonly string[] {
  return entries.map((entry, index) => {
    const pem = [fileText(entry), Buffer.from(entry, "base64").toString("latin1"), entry].find(
      (text) => text !== undefined && isPem(text),
    );
    if (pem !== undefined) return pem;
    throw new Error(
      `${key}.${index} is not in PEM format, certificate must be a PEM encoded string, a base64 encoded bytes that ` +
        "contain PEM encoded string, or a path to a PEM encoded certificate",
    );
  });
}

function fileText(path: string): string | undefined {
  // A PEM text is no path, and a NUL makes none.
  if (isPem(path) || path.includes("\0")) return undefined;
  try {
    return readFileSync(path, "latin1");
  } catch {
    return undefined;
  }
}
