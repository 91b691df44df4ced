import { z } from "zod";
import type { Clock } from "../../kernel/ports.ts";
import { Secret } from "../../kernel/secret.ts";
import { parseJson } from "./json.ts";
import type { Tokens } from "./token-client.ts";

/**
 * What Dex's connectors for OAuth services keep for a refresh: `{"accessToken","refreshToken","expiry"}`, a Go time,
 * whose zero says that the token never expires. Keys are read in any case, as Go reads them.
 */
export type StoredTokens = Pick<Tokens, "accessToken" | "refreshToken" | "expiresAt">;

const never = "0001-01-01T00:00:00Z";

export function writeStoredTokens({ accessToken, refreshToken, expiresAt }: StoredTokens): Secret<Uint8Array> {
  const json = {
    accessToken: accessToken.reveal(),
    ...(refreshToken === undefined ? {} : { refreshToken: refreshToken.reveal() }),
    expiry: expiresAt === undefined ? never : new Date(expiresAt).toISOString(),
  };
  return new Secret(Buffer.from(JSON.stringify(json)));
}

const stored = z.object({
  accesstoken: z.string().default(""),
  refreshtoken: z.string().default(""),
  expiry: z.string().default(never),
});

/** @throws {Error} They cannot be read. The message quotes nothing. */
export function readStoredTokens(data: Secret<Uint8Array> | undefined): StoredTokens {
  const { accesstoken, refreshtoken, expiry } = readConnectorData(data, stored);
  const expiresAt = Date.parse(expiry);
  const isForever = Number.isNaN(expiresAt) || expiry.startsWith("0001-01-01T");
  return {
    accessToken: new Secret(accesstoken),
    ...(refreshtoken === "" ? {} : { refreshToken: new Secret(refreshtoken) }),
    ...(isForever ? {} : { expiresAt }),
  };
}

/**
 * `connectorData` that is a JSON object, its own keys in lower case for `schema` and `null` as absent: Go matches keys
 * in any case. @throws {Error} It is none, or of another shape. The message quotes nothing.
 */
export function readConnectorData<T>(data: Secret<Uint8Array> | undefined, schema: z.ZodType<T>): T {
  const text = Buffer.from(data?.reveal() ?? []).toString();
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    throw new Error("the stored connector data is no JSON");
  }
  const folded =
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(
          Object.entries(value)
            .filter(([, member]) => member !== null)
            .map(([key, member]) => [key.toLowerCase(), member]),
        )
      : value;
  const parsed = schema.safeParse(folded);
  if (!parsed.success) throw new Error("the stored connector data has another shape");
  return parsed.data;
}

/** A token is good until ten seconds before its end. compat(dex): x/oauth2. */
const margin = 10_000;

/** Whether the access token can still be called with. */
export const isGood = ({ accessToken, expiresAt = Number.POSITIVE_INFINITY }: StoredTokens, clock: Clock): boolean =>
  accessToken.reveal() !== "" && expiresAt - margin > clock.now();
