/** Strict base64: the standard alphabet, full padding, nothing else. Undefined for anything but that. RFC 4648 §4. */
export function decodeBase64(text: string): Buffer | undefined {
  if (text === "" || text.length % 4 !== 0) return undefined;
  const bytes = Buffer.from(text, "base64");
  // Node skips what it does not know, so only a round trip proves that there was nothing of the kind.
  return bytes.toString("base64") === text ? bytes : undefined;
}

/** The same for a value in XML, which signers break into lines. XML Schema Part 2 §3.2.16. */
export const decodeWrappedBase64 = (text: string): Buffer | undefined => decodeBase64(text.replace(/[ \t\r\n]+/g, ""));
