import type { AnswerTarget } from "./contract.ts";

/**
 * The redirect URI with the answer in its query or fragment. The client's own query stays as it is, byte for
 * byte (RFC 6749 §3.1.2); only a parameter of ours that it already holds is replaced, so that nobody can
 * plant a `code` in a registered address.
 */
export function answerUri(target: AnswerTarget, parameters: Readonly<Record<string, string | undefined>>): string {
  const answer = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) answer.set(name, value);
  if (target.state !== undefined) answer.set("state", target.state);
  const [beforeFragment = "", fragment] = split(target.redirectUri, "#");
  if (target.responseMode === "fragment") return printable(`${beforeFragment}#${answer}`);
  const [address = "", query] = split(beforeFragment, "?");
  const kept = (query ?? "").split("&").filter((pair) => pair !== "" && !answer.has(nameOf(pair)));
  const suffix = fragment === undefined ? "" : `#${fragment}`;
  return printable(`${address}?${[...kept, answer.toString()].join("&")}${suffix}`);
}

function split(text: string, separator: string): readonly [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

const nameOf = (pair: string): string => [...new URLSearchParams(pair).keys()][0] ?? "";

/** No raw control character, space or non-ASCII may enter a `Location` header. */
const printable = (uri: string): string =>
  uri.replace(/[^\x21-\x7e]+/gu, (text) => encodeURIComponent(text.toWellFormed()));
