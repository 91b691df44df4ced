/** Reads a JWT for people. Reads only: the signature was checked when the token arrived (oidc.ts). */
export type Claims = Readonly<Record<string, unknown>>;

export interface Decoded {
  readonly header: Claims;
  readonly claims: Claims;
}

/** The two readable parts, or undefined for a token that is no JWT (an access token may be anything). */
export function decode(jwt: string): Decoded | undefined {
  const [header, payload, signature, ...more] = jwt.split(".");
  if (header === undefined || payload === undefined || signature === undefined || more.length > 0) return undefined;
  const parts = [header, payload].map(parseObject);
  return parts[0] && parts[1] ? { header: parts[0], claims: parts[1] } : undefined;
}

function parseObject(part: string): Claims | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString());
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

const meanings: Readonly<Record<string, string>> = {
  alg: "how it is signed",
  kid: "which of the provider's keys signed it",
  typ: "what kind of token it is",
  iss: "who says so: the identity provider",
  sub: "who you are: stable, never given to somebody else",
  aud: "whom it is for: this application",
  azp: "which application asked for it",
  exp: "worthless after",
  iat: "issued at",
  nbf: "worthless before",
  auth_time: "when you last proved who you are",
  nonce: "ties the token to this login, so that it cannot be replayed",
  at_hash: "ties the access token to it",
  c_hash: "ties the authorization code to it",
  sid: "your session at the provider",
  jti: "the token's own number",
  amr: "how you proved who you are",
  acr: "how strong that proof was",
  email: "your email address",
  email_verified: "whether somebody checked that the address is yours",
  name: "your name",
  preferred_username: "what you like to be called",
  picture: "your picture",
  groups: "the groups you belong to",
  federated_claims: "who you are at the place you came from",
};

/** What a claim means, in a few words; empty when nobody knows. */
export const meaningOf = (claim: string): string => meanings[claim] ?? "";

const times: ReadonlySet<string> = new Set(["exp", "iat", "nbf", "auth_time", "updated_at"]);
const units = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
] as const;

/** A span as a person says it: "in 24 hours", "3 minutes ago". */
export function relativeTime(seconds: number): string {
  const format = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  const [unit, size] = units.find(([, length]) => Math.abs(seconds) >= length) ?? ["second", 1];
  return format.format(Math.round(seconds / size), unit);
}

/** A claim's value as text; times also in words. `now` in seconds. */
export function textOf(claim: string, value: unknown, now: number): { readonly text: string; readonly note: string } {
  if (times.has(claim) && typeof value === "number") {
    const date = new Date(value * 1000);
    if (!Number.isNaN(date.getTime())) {
      const text = date
        .toISOString()
        .replace("T", " ")
        .replace(/\.\d+Z$/, " UTC");
      return { text, note: relativeTime(value - now) };
    }
  }
  if (typeof value === "string") return { text: value, note: "" };
  if (Array.isArray(value))
    return { text: value.map((item) => (typeof item === "string" ? item : JSON.stringify(item))).join(", "), note: "" };
  return { text: JSON.stringify(value), note: "" };
}

/** The claims that differ between two tokens, by name. */
export function changed(before: Claims, after: Claims): readonly string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
}
