import { openSession } from "../flow/keep-session.ts";
import { endLocally } from "../flow/logout-outcome.ts";
import { type HttpAnswer, type HttpRequest, PageError } from "../http/contract.ts";
import { takeAway } from "./logout-cookie.ts";
import { arrive } from "./logout-finish.ts";
import { bounce, isBounced } from "./post-form.ts";
import { flowContext, type Provider } from "./provider.ts";
import { withCookie } from "./with-cookie.ts";

/** `/logout/callback`: the browser comes back from the upstream's own logout. Ours has ended before it left. */
export async function logoutCallbackEndpoint(request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  if (request.method === "POST" && request.headers["sec-fetch-site"] === "cross-site" && !isBounced(request)) {
    return bounce(request, provider);
  }
  const sources = [request.form(), request.query()];
  const read = (name: string): string | undefined => sources.map((source) => source.get(name)).find(Boolean);
  const taken = takeAway(read("RelayState") ?? read("state") ?? "", request, provider);
  if (taken === undefined) return finishForDex(request, provider);
  const { away, cookie } = taken;
  const { upstream } = away.outcome;
  // The connector sent the browser away to end its session, and it is back.
  const outcome = upstream === undefined ? away.outcome : { ...away.outcome, upstream: { ...upstream, isEnded: true } };
  return withCookie(arrive(request, away.next, outcome, provider), cookie);
}

/** compat(dex): a logout that Dex began before we took over waits in its session, and has ended nothing yet. */
async function finishForDex(request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  const context = flowContext(request, [], provider);
  if (context.holder.presented === undefined) throw new PageError(400, "refusal.sessionCookie");
  const session = await openSession(context, provider.flow);
  if (session === undefined) throw new PageError(400, "refusal.sessionNotFound");
  const { logoutState } = session;
  if (logoutState === undefined) throw new PageError(400, "refusal.noLogout");
  const { clientId, state } = logoutState;
  const client = clientId === "" ? undefined : await provider.storage.clients.get(clientId);
  const isRegistered = client?.postLogoutRedirectUris.includes(logoutState.postLogoutRedirectUri) === true;
  const { outcome } = await endLocally(session, context, provider.flow);
  const postLogoutRedirectUri = isRegistered ? logoutState.postLogoutRedirectUri : "";
  return arrive(request, { clientId, state, postLogoutRedirectUri }, outcome, provider);
}
