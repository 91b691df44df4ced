import { z } from "zod";

/**
 * The identity of the login, kept as `connectorData`: SAML has no refresh, so a refresh gives it back. compat(dex):
 * these names, read in any case, `groups` left out when empty; Dex overlooks `nameID`.
 */
export interface CachedIdentity {
  readonly userId: string;
  readonly username: string;
  readonly preferredUsername: string;
  readonly email: string;
  readonly emailVerified: boolean;
  readonly groups: readonly string[];
}

/** What a LogoutRequest says of the name besides the name. */
export interface NameIdParts {
  readonly format?: string | undefined;
  readonly nameQualifier?: string | undefined;
  readonly spNameQualifier?: string | undefined;
}

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? "");
const part = z.string().optional();

const stored = z.object({
  userid: text,
  username: text,
  preferredusername: text,
  email: text,
  emailverified: z.boolean().nullish(),
  groups: z.array(z.string()).nullish(),
  nameid: z.object({ format: part, nameQualifier: part, spNameQualifier: part }).optional(),
});

export function packIdentity({ groups, ...rest }: CachedIdentity, nameID: NameIdParts | undefined): Uint8Array {
  const more = { ...(groups.length === 0 ? {} : { groups }), ...(nameID === undefined ? {} : { nameID }) };
  return Buffer.from(JSON.stringify({ ...rest, ...more }));
}

/** @throws {Error} In Dex's words. */
export function unpackIdentity(bytes: Uint8Array | undefined): CachedIdentity & { readonly nameId: NameIdParts } {
  if (bytes === undefined || bytes.length === 0) throw new Error("saml: no connector data available for refresh");
  const read = stored.safeParse(lowerCased(bytes));
  if (!read.success) throw new Error("saml: failed to unmarshal cached identity");
  const { userid, username, preferredusername, email, emailverified, groups, nameid } = read.data;
  return {
    userId: userid,
    username,
    preferredUsername: preferredusername,
    email,
    emailVerified: emailverified === true,
    groups: groups ?? [],
    nameId: nameid ?? {},
  };
}

/** Undefined for what is no JSON object. No cause goes on: a parser's message quotes the text. */
function lowerCased(bytes: Uint8Array): unknown {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString());
    if (typeof value !== "object" || value === null) return undefined;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key.toLowerCase(), inner]));
  } catch {
    return undefined;
  }
}
