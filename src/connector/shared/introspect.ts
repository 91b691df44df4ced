import { BadAnswerError } from "../../kernel/errors.ts";
import type { Secret } from "../../kernel/secret.ts";
import { type Claims, claimsIn } from "./claims.ts";
import type { TokenClient } from "./token-client.ts";

/** What a server says of one of its tokens; undefined: it is none, or none any more. RFC 7662. @throws As {@link TokenClient.ask}. */
export async function introspect(
  client: TokenClient,
  endpoint: string,
  token: Secret,
  signal: AbortSignal,
  what: string,
): Promise<Claims | undefined> {
  const claims = claimsIn(await client.ask(endpoint, { token: token.reveal() }, signal));
  if (claims === undefined) throw new BadAnswerError(`${what}: introspection: not a JSON object`);
  return claims.get("active") === true ? claims : undefined;
}
