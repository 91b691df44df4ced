import { openSession } from "../flow/keep-session.ts";
import { refuseBlocked } from "../flow/refuse-blocked.ts";
import type { HttpRequest } from "../http/contract.ts";
import type { AuthSession } from "../storage/records.ts";
import { flowContext, type Provider } from "./provider.ts";

/** Whoever is signed in here, for the pages of their account; undefined: nobody. @throws {PageError} They are locked out. */
export async function openOwnSession(request: HttpRequest, provider: Provider): Promise<AuthSession | undefined> {
  const session = await openSession(flowContext(request, [], provider), provider.flow);
  if (session !== undefined) await refuseBlocked(session, provider.flow);
  return session;
}
