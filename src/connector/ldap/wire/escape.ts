/** The bytes that mean something in a filter, and all that is not plain ASCII. */
const special = new Set([...Buffer.from("\\*()\0")]);

/**
 * `value` as it stands for itself in a filter (RFC 4515 §3). The one place where anything is escaped, and nothing is
 * escaped twice: {@link parseFilter} undoes it exactly once. What is no UTF-8 (an objectGUID) is as welcome as text.
 */
export function escapeFilterValue(value: string | Uint8Array): string {
  let escaped = "";
  for (const byte of typeof value === "string" ? Buffer.from(value) : value) {
    escaped += special.has(byte) || byte > 0x7f ? `\\${byte.toString(16).padStart(2, "0")}` : String.fromCharCode(byte);
  }
  return escaped;
}
