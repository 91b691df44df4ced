import { keyedHash } from "../kernel/derive.ts";
import { Secret } from "../kernel/secret.ts";
import { secretEqual } from "../kernel/secret-equal.ts";
import type { Client } from "../storage/records.ts";

const hashPrefix = "$h1$";

/** How a secret that we create is stored: a keyed hash, worth nothing to who reads the table. */
export const hashClientSecret = (key: Uint8Array, clientId: string, secret: string): Secret =>
  new Secret(hashPrefix + keyedHash(key, "client-secret", clientId, secret).toString("base64url"));

/**
 * Whether `presented` is the client's secret, as the configuration or Dex wrote it or as {@link hashClientSecret} did.
 * An unknown client costs the same comparison, and nothing is right for it. RFC 6749 §2.3.1.
 */
export function isClientSecret(key: Uint8Array, client: Client | undefined, presented: string): boolean {
  const stored = client?.secret.reveal() ?? "\0unknown";
  const given = isHashed(stored) ? hashClientSecret(key, client?.id ?? "", presented).reveal() : presented;
  return secretEqual(stored, given) && client !== undefined;
}

/** Whether the secret is stored as {@link hashClientSecret} makes it, so that nobody can tell what it was. */
export const isHashedSecret = ({ secret }: Pick<Client, "secret">): boolean => isHashed(secret.reveal());

const isHashed = (stored: string): boolean => stored.startsWith(hashPrefix) && stored.length === hashPrefix.length + 43;
