import type { HttpRequest } from "../http/contract.ts";
import type { Trail } from "../kernel/ports.ts";
import { secretEqual } from "../kernel/secret-equal.ts";
import { OAuthError } from "../oauth/error.ts";
import type { Collection } from "../storage/contract.ts";
import type { Client } from "../storage/records.ts";

/** What a request presents for its client. RFC 6749 §2.3.1. */
export interface ClientCredentials {
  readonly id: string;
  readonly secret: string;
  readonly method: "client_secret_basic" | "client_secret_post" | "none";
}

/**
 * A well-formed Basic header wins over the body. Both its parts are form-encoded (RFC 6749 §2.3.1), so a `+` in a
 * secret must be sent as `%2B`.
 * @throws {OAuthError} They cannot be decoded.
 */
export function readCredentials(
  authorization: string | undefined,
  body: (name: string) => string | undefined,
): ClientCredentials {
  const encoded = /^Basic +([A-Za-z0-9+/_-]+=*)\s*$/i.exec(authorization ?? "")?.[1];
  if (encoded !== undefined) {
    const decoded = Buffer.from(encoded, "base64").toString("utf8");
    const colon = decoded.indexOf(":");
    if (colon >= 0) {
      const id = formDecode(decoded.slice(0, colon), "client_id");
      return { id, secret: formDecode(decoded.slice(colon + 1), "client_secret"), method: "client_secret_basic" };
    }
  }
  const secret = body("client_secret") ?? "";
  return { id: body("client_id") ?? "", secret, method: secret === "" ? "none" : "client_secret_post" };
}

function formDecode(text: string, name: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch (error) {
    throw new OAuthError("invalid_request", `${name} improperly encoded`, { cause: error });
  }
}

/**
 * The client that the credentials prove. A client stored without a secret needs none; compat(dex): the `public`
 * flag does not matter here. An unknown client costs the same comparison.
 * @throws {OAuthError} invalid_client, with the challenge that RFC 6749 §5.2 asks for.
 */
export async function authenticateClient(
  credentials: ClientCredentials,
  clients: Pick<Collection<string, Client>, "get">,
  trail: Trail,
): Promise<Client> {
  const client = credentials.id === "" ? undefined : await clients.get(credentials.id);
  const isProved = secretEqual(client?.secret.reveal() ?? "\0unknown", credentials.secret) && client !== undefined;
  const because = isProved ? `by ${credentials.method}` : client === undefined ? "no such client" : "wrong secret";
  trail.note({ check: "client.authenticated", outcome: isProved ? "pass" : "fail", because, spec: "RFC 6749 §2.3" });
  if (!isProved || client === undefined) {
    throw new OAuthError("invalid_client", "Invalid client credentials.", { detail: because });
  }
  return client;
}

/** {@link authenticateClient} for an HTTP request whose body is `body`. */
export const authenticateRequest = (
  request: HttpRequest,
  body: (name: string) => string | undefined,
  clients: Pick<Collection<string, Client>, "get">,
  trail: Trail,
): Promise<Client> => authenticateClient(readCredentials(request.headers.authorization, body), clients, trail);
