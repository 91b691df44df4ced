import { openSession } from "../flow/keep-session.ts";
import { authTimeOf } from "../flow/session.ts";
import type { HttpAnswer, HttpRequest } from "../http/contract.ts";
import { type HomeSession, homePage } from "../page/home-page.ts";
import type { AuthSession } from "../storage/records.ts";
import { flowContext, type Provider } from "./provider.ts";
import { showPage } from "./show-page.ts";

/** The issuer's own address: says what this is, whether this browser has a session, and where machines find the rest. */
export async function homeEndpoint(request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  const base = provider.flow.policy.issuer.replace(/\/$/, "");
  const session = await openSession(flowContext(request, [], provider), provider.flow);
  return showPage(
    200,
    homePage(provider.page(request), {
      discoveryUrl: `${base}/.well-known/openid-configuration`,
      ...(session === undefined ? {} : { session: await shownSession(session, base, provider) }),
    }),
  );
}

async function shownSession(session: AuthSession, base: string, { storage, flow }: Provider): Promise<HomeSession> {
  const identity = await storage.userIdentities.get(session);
  const connector = await flow.connectors.find(session.connectorId);
  const { username = "", email = "", emailVerified = false, groups = [] } = identity?.claims ?? {};
  const isExpiryIdle = session.idleExpiry < session.absoluteExpiry;
  return {
    username,
    email,
    emailVerified,
    groups,
    connectorName: connector?.name ?? session.connectorId,
    signedIn: authTimeOf(session),
    expires: isExpiryIdle ? session.idleExpiry : session.absoluteExpiry,
    isExpiryIdle,
    ipAddress: session.ipAddress,
    userAgent: session.userAgent,
    logoutUrl: `${base}/logout`,
    accountUrl: `${base}/account`,
  };
}
