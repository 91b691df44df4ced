import { z } from "zod";
import type { LogoutHint } from "../flow/logout-step.ts";
import { PageError } from "../http/contract.ts";
import type { Provider } from "./provider.ts";

const shape = z.looseObject({
  iss: z.string(),
  sub: z.string(),
  aud: z.union([z.string(), z.array(z.string())]),
  azp: z.string().optional(),
  sid: z.string().optional(),
  events: z.undefined().optional(),
});

/**
 * What `id_token_hint` proves; undefined where none was sent. It may have expired, as it is used when a session is over
 * (OIDC RP-Initiated Logout §4), but we must have issued it. @throws {PageError} We did not.
 */
export async function readLogoutHint(
  jwt: string,
  { signer, flow }: Pick<Provider, "signer" | "flow">,
): Promise<LogoutHint | undefined> {
  if (jwt === "") return undefined;
  const verified = await signer.verify(jwt);
  const claims = verified === undefined ? undefined : shape.safeParse(JSON.parse(verified.payload)).data;
  if (claims === undefined || claims.iss !== flow.policy.issuer) throw new PageError(400, "refusal.hint");
  const audience = [claims.aud].flat();
  return {
    subject: claims.sub,
    sessionId: claims.sid,
    clientId: audience.length === 1 ? (audience[0] ?? "") : (claims.azp ?? ""),
    audience,
  };
}
