import { z } from "zod";
import { Secret } from "../../kernel/secret.ts";
import { readConnectorData, type StoredTokens } from "../shared/stored-tokens.ts";

/** What is kept for a refresh. compat(dex): the token as Go's x/oauth2 writes it, whose zero time says that it never expires. */
export function writeTokens({ accessToken, refreshToken, expiresAt }: StoredTokens): Secret<Uint8Array> {
  const json = {
    access_token: accessToken.reveal(),
    token_type: "Bearer",
    ...(refreshToken === undefined ? {} : { refresh_token: refreshToken.reveal() }),
    expiry: expiresAt === undefined ? never : new Date(expiresAt).toISOString(),
  };
  return new Secret(Buffer.from(JSON.stringify(json)));
}

const never = "0001-01-01T00:00:00Z";
const stored = z.object({
  access_token: z.string().default(""),
  refresh_token: z.string().default(""),
  expiry: z.string().default(never),
});

/** @throws {Error} They cannot be read. The message quotes nothing. */
export function readTokens(data: Secret<Uint8Array> | undefined): StoredTokens {
  const { access_token, refresh_token, expiry } = readConnectorData(data, stored);
  const expiresAt = Date.parse(expiry);
  const isForever = Number.isNaN(expiresAt) || expiry.startsWith("0001-01-01T");
  return {
    accessToken: new Secret(access_token),
    ...(refresh_token === "" ? {} : { refreshToken: new Secret(refresh_token) }),
    ...(isForever ? {} : { expiresAt }),
  };
}
