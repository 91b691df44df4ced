import type { HttpRequest } from "../http/contract.ts";
import type { Trail } from "../kernel/ports.ts";
import { OAuthError } from "../oauth/error.ts";
import type { Client } from "../storage/records.ts";
import { isClientSecret } from "../token/client-secret.ts";
import type { Provider } from "./provider.ts";

export type ClientAuthMethod = "client_secret_basic" | "client_secret_post" | "none";

/** What a request presents for its client. RFC 6749 §2.3.1. */
export interface ClientCredentials {
  readonly id: string;
  readonly secret: string;
  readonly method: ClientAuthMethod;
}

/**
 * From the Basic header or from the body, never from both. Both parts of the header are form-encoded (RFC 6749
 * §2.3.1), so a `+` in a secret must be sent as `%2B`. A `client_id` beside the header must be the same one.
 * @throws {OAuthError} They cannot be decoded, or there are two of them: RFC 6749 §2.3.
 */
export function readCredentials(
  authorization: string | undefined,
  body: (name: string) => string | undefined,
): ClientCredentials {
  const secret = body("client_secret") ?? "";
  const id = body("client_id") ?? "";
  const basic = /^Basic(?: +|$)(.*)$/is.exec(authorization ?? "")?.[1];
  if (basic === undefined) return { id, secret, method: secret === "" ? "none" : "client_secret_post" };
  if (secret !== "") throw new OAuthError("invalid_request", "The client must use one authentication method only.");
  const credentials = decodeBasic(basic);
  if (id !== "" && id !== credentials.id) {
    throw new OAuthError("invalid_request", "client_id is not the one of the Authorization header.");
  }
  return credentials;
}

/** What cannot be taken apart names nobody. RFC 7617 §2. */
function decodeBasic(encoded: string): ClientCredentials {
  const method = "client_secret_basic";
  const text = /^[A-Za-z0-9+/_-]+=*\s*$/.test(encoded) ? Buffer.from(encoded, "base64").toString("utf8") : "";
  const colon = text.indexOf(":");
  if (colon < 0) return { id: "", secret: "", method };
  const id = formDecode(text.slice(0, colon), "client_id");
  return { id, secret: formDecode(text.slice(colon + 1), "client_secret"), method };
}

function formDecode(text: string, name: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(text.replaceAll("+", " "));
  } catch (error) {
    throw new OAuthError("invalid_request", `${name} improperly encoded`, { cause: error });
  }
  // Databases refuse it, which would make it a 500.
  if (decoded.includes("\0")) throw new OAuthError("invalid_request", `${name} improperly encoded`);
  return decoded;
}

/** A client, and how it proved to be that one. */
export interface KnownClient {
  readonly client: Client;
  readonly method: ClientAuthMethod;
}

/**
 * The client that the request proves. One stored without a secret needs none; compat(dex): the `public` flag does not
 * matter here.
 * @throws {OAuthError} invalid_client, with the challenge that RFC 6749 §5.2 asks for.
 */
export async function authenticateRequest(
  request: Pick<HttpRequest, "headers" | "clientIp">,
  body: (name: string) => string | undefined,
  { storage, clientSecretKey, limits }: Pick<Provider, "storage" | "clientSecretKey" | "limits">,
  trail: Trail,
): Promise<KnownClient> {
  const { id, secret, method } = readCredentials(request.headers.authorization, body);
  const client = id === "" ? undefined : await storage.clients.get(id);
  // Nothing waits from here on: right ones at the same time do not use up each other's tries.
  const tried = limits.begin("client", { address: request.clientIp, what: id, trail });
  const isProved = isClientSecret(clientSecretKey, client, secret);
  const because = isProved ? `by ${method}` : client === undefined ? "no such client" : "wrong secret";
  trail.note({
    check: "client.authenticated",
    outcome: isProved ? "pass" : "fail",
    because,
    spec: "RFC 6749 §2.3",
    about: { client_id: id },
  });
  if (!isProved || client === undefined) {
    throw new OAuthError("invalid_client", "Invalid client credentials.", { detail: because });
  }
  tried.takeBack();
  return { client, method: secret === "" ? "none" : method };
}
