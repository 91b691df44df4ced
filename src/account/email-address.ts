/** RFC 5321 §4.5.3.1: octets at most. */
const longest = { whole: 254, local: 64 };
/** With the spaces around it. Looking for those takes the square of the length: a form has room for a million. */
const mostTyped = 1024;

/** RFC 5321 §4.1.2 `Dot-string`, of RFC 5322 §3.2.3 `atext`. */
const localPart = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
/** RFC 5321 §4.1.2 `Domain`: letters, digits and inner hyphens. */
const domain =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/;

/**
 * `text` as the key of an account, lower-cased; undefined when it is no plain address. Quoted names, comments, domain
 * literals, display names and lists are refused, and so is everything outside of ASCII: each of them is read in two ways
 * by two programs, and one of these sends mail. Spaces around it come from copying, and go.
 */
export function parseEmailAddress(text: string): string | undefined {
  if (text.length > mostTyped) return undefined;
  const address = text.replace(/^ +| +$/g, "");
  const at = address.lastIndexOf("@");
  if (at < 0 || address.length > longest.whole || at > longest.local) return undefined;
  if (!localPart.test(address.slice(0, at)) || !domain.test(address.slice(at + 1))) return undefined;
  return address.toLowerCase();
}
