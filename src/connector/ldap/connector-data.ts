import { z } from "zod";
import { Secret } from "../../kernel/secret.ts";

/** What a refresh needs: who was found by which name. */
export interface Remembered {
  readonly username: string;
  readonly dn: string;
}

/** compat(dex): connector/ldap/ldap.go, refreshData, as Go writes it. No attributes: Dex reads none back either. */
export const writeConnectorData = ({ username, dn }: Remembered): Secret<Uint8Array> =>
  new Secret(Buffer.from(JSON.stringify({ username, entry: { DN: dn, Attributes: [] } })));

const stored = z.object({ username: z.string(), entry: z.object({ dn: z.string() }) });

/** Undefined where there is none, or it is something else. Go reads keys in any case. */
export function readConnectorData(data: Secret<Uint8Array> | undefined): Remembered | undefined {
  if (data === undefined) return undefined;
  try {
    const parsed = stored.safeParse(JSON.parse(Buffer.from(data.reveal()).toString(), lowerKeys));
    return parsed.success ? { username: parsed.data.username, dn: parsed.data.entry.dn } : undefined;
  } catch {
    // No cause: the parser's message quotes the text.
    return undefined;
  }
}

const lowerKeys = (_: string, value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key.toLowerCase(), inner]))
    : value;
