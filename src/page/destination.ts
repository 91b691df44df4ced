/** Where an approval leads, so that a person can notice a client that only borrowed a known name. RFC 9700 §4.11. */
import { type Child, html } from "./html.ts";
import { name } from "./layout.ts";
import type { Words } from "./messages.ts";

export type Destination =
  | { readonly kind: "site"; readonly host: string }
  | { readonly kind: "app"; readonly scheme: string }
  | { readonly kind: "loopback" | "code" | "device" | "unknown" };

const outOfBand = "urn:ietf:wg:oauth:2.0:oob";

/** `redirectUri` is the client's registered one. A host is given in ASCII, which unmasks look-alike letters. */
export function destinationOf(redirectUri: string): Destination {
  if (redirectUri === outOfBand) return { kind: "code" };
  if (/^\/(?:.*\/)?device\/callback$/.test(redirectUri)) return { kind: "device" };
  if (!URL.canParse(redirectUri)) return { kind: "unknown" };
  const url = new URL(redirectUri);
  if (url.protocol !== "http:" && url.protocol !== "https:") return { kind: "app", scheme: url.protocol };
  // RFC 8252 §7.3: a native application listens on the loopback interface.
  if (/^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname)) return { kind: "loopback" };
  return { kind: "site", host: url.host };
}

export function destinationSentence(words: Words, redirectUri: string): Child {
  const destination = destinationOf(redirectUri);
  switch (destination.kind) {
    case "site":
      return words.rich("destination.site", { host: html`<strong>${name(destination.host)}</strong>` });
    case "app":
      return words.rich("destination.app", { scheme: name(destination.scheme) });
    case "unknown":
      return undefined;
    default:
      return words.text(`destination.${destination.kind}`);
  }
}
