/** One-time codes as Dex and every authenticator app make them: SHA-1, six digits, steps of 30 seconds. RFC 6238. */
import { secretEqual } from "../kernel/secret-equal.ts";

const period = 30;
/** RFC 4226 §4 wants 128 bits at least and recommends 160. */
export const seedLength = 20;

type Otp = Pick<typeof import("otplib"), "generateSync">;

/** When a step began, in milliseconds. */
export const timeOfCounter = (counter: number): number => counter * period * 1000;

/** The step of the clock at `now`, in milliseconds. */
const counterAt = (now: number): number => Math.floor(now / 1000 / period);

/**
 * The step that `code` belongs to, one before or after the clock's included; undefined: it is wrong, or of a step
 * that was used. RFC 6238 §5.2: a code counts once.
 */
export function matchingCounter(
  { generateSync }: Otp,
  seed: string,
  code: string,
  { now, lastUsed }: { readonly now: number; readonly lastUsed: number },
): number | undefined {
  const typed = code.replace(/[\s-]/g, "");
  if (!/^\d{6}$/.test(typed)) return undefined;
  const current = counterAt(now);
  return [current + 1, current, current - 1]
    .filter((counter) => counter > lastUsed)
    .find((counter) => secretEqual(typed, generateSync({ strategy: "hotp", secret: seed, counter })));
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** RFC 4648 §6, without padding; `bytes` come in fives. */
export function base32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return (bits.match(/.{5}/g) ?? []).map((five) => alphabet[Number.parseInt(five, 2)]).join("");
}

/** What an app is told by a picture. compat(dex): label and order of server/mfa/totp.go. */
export function seedUri(
  { issuer, seed }: { readonly issuer: string; readonly seed: string },
  { connectorId, email }: { readonly connectorId: string; readonly email: string },
): string {
  const label = `${escapeLabel(issuer)}:${escapeLabel(`(${connectorId}) ${email}`)}`;
  return `otpauth://totp/${label}?algorithm=SHA1&digits=6&issuer=${encodeURIComponent(issuer)}&period=${period}&secret=${seed}`;
}

/** As Go escapes a segment of a path. */
const escapeLabel = (text: string): string =>
  encodeURIComponent(text.toWellFormed())
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/%(?:24|26|2B|3A|3D|40)/g, decodeURIComponent);

/** The seed in such an address; undefined where there is none to be read. */
export function seedOf(uri: string): string | undefined {
  const query = uri.startsWith("otpauth://totp/") ? uri.slice(uri.indexOf("?") + 1) : "";
  const seed = (new URLSearchParams(query).get("secret") ?? "").toUpperCase().replace(/=+$/, "");
  return /^[A-Z2-7]{16,}$/.test(seed) ? seed : undefined;
}
