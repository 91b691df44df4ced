import { z } from "zod";
import { Secret } from "../../kernel/secret.ts";
import { readConnectorData } from "../shared/stored-tokens.ts";

/** What is kept for later. compat(dex): `{"RefreshToken":"<base64>"}`; `IDToken` is ours, for the logout, and Dex skips it. */
export interface OidcData {
  readonly refreshToken: Secret | undefined;
  readonly idToken: Secret | undefined;
}

/** A longer one would not fit into the address of the logout. */
const longestHint = 4_096;

export function writeOidcData({ refreshToken, idToken }: Partial<OidcData>): Secret<Uint8Array> {
  const encode = (secret: Secret | undefined): string => Buffer.from(secret?.reveal() ?? "").toString("base64");
  const hint = idToken !== undefined && idToken.reveal().length <= longestHint ? { IDToken: encode(idToken) } : {};
  return new Secret(Buffer.from(JSON.stringify({ RefreshToken: encode(refreshToken), ...hint })));
}

const stored = z.object({ refreshtoken: z.base64().default(""), idtoken: z.base64().default("") });

/** @throws {Error} It cannot be read. */
export function readOidcData(data: Secret<Uint8Array> | undefined): OidcData {
  const { refreshtoken, idtoken } = readConnectorData(data, stored);
  const decode = (text: string): Secret | undefined =>
    text === "" ? undefined : new Secret(Buffer.from(text, "base64").toString());
  return { refreshToken: decode(refreshtoken), idToken: decode(idtoken) };
}
