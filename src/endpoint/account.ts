import { accountOf } from "../account/change-account.ts";
import { resendVerification } from "../account/verify-address.ts";
import { revokeSession } from "../flow/end-session.ts";
import { authTimeOf } from "../flow/session.ts";
import { withdrawConsent } from "../flow/withdraw-consent.ts";
import { redirect } from "../http/answers.ts";
import { type HttpAnswer, type HttpRequest, PageError } from "../http/contract.ts";
import {
  type AccountNotice,
  type AccountPageProps,
  accountPage,
  type ShownConsent,
  type ShownSession,
} from "../page/account-page.ts";
import type { AuthSession, UserIdentity } from "../storage/records.ts";
import { isSessionLive } from "../token/session-life.ts";
import { changeFactor, factorsOfAccount, newCodes } from "./account-factor.ts";
import { assertAccountForm, sealAccountForm } from "./account-form.ts";
import { askForFactor } from "./account-proof.ts";
import { askerOf, withBack } from "./account-request.ts";
import { deviceName } from "./device-name.ts";
import { openOwnSession } from "./open-own-session.ts";
import type { Provider } from "./provider.ts";
import { showPage } from "./show-page.ts";

/** `/account`: a person sees their sessions and what they have allowed, and ends what they like. */
export async function accountEndpoint(request: HttpRequest, provider: Provider): Promise<HttpAnswer> {
  if (!["GET", "HEAD", "POST"].includes(request.method)) throw new PageError(405, "refusal.method");
  const { flow } = provider;
  const session = await openOwnSession(request, provider);
  // Nobody can sign in here without an application; the home page says so.
  if (session === undefined) return redirect(303, flow.policy.issuerPath === "" ? "/" : flow.policy.issuerPath);
  const asked = await askForFactor(request, session, provider);
  if (asked !== undefined) return asked;
  if (request.method !== "POST") return show(request, session, provider);
  const form = request.form();
  assertAccountForm(request, session, provider);
  if (form.get("action") === "renew-codes") return newCodes(request, session, provider);
  const notice = await act(form.get("action") ?? "", form.get("subject") ?? "", session, request, provider);
  return redirect(303, `${request.path}?done=${notice}`);
}

async function act(
  action: string,
  subject: string,
  here: AuthSession,
  request: HttpRequest,
  provider: Provider,
): Promise<AccountNotice> {
  const { flow, logger } = provider;
  const fields = { user_id: here.userId, connector_id: here.connectorId, session_id: here.id };
  switch (action) {
    case "end": {
      const other = await provider.storage.authSessions.get(subject);
      // Somebody else's session is as unknown as one that is not there.
      if (other?.userId === here.userId && other.connectorId === here.connectorId) await revokeSession(other, flow);
      logger.info("session ended by its person", { ...fields, ended: subject });
      return "ended";
    }
    case "end-others": {
      const all = await provider.storage.authSessions.listOfUser(here);
      for (const other of all) if (other.id !== here.id) await revokeSession(other, flow);
      logger.info("other sessions ended by their person", fields);
      return "others";
    }
    case "remove-factor":
    case "rename-key":
      return changeFactor(action, request, here, provider);
    case "withdraw":
      await withdrawConsent(here, subject, flow);
      logger.info("consent withdrawn", { ...fields, client_id: subject });
      return "withdrawn";
    case "resend": {
      const account = provider.account && (await accountOf(here, provider.account));
      if (provider.account !== undefined && account !== undefined) {
        await resendVerification(account, askerOf(request, provider), provider.account);
      }
      return "resent";
    }
    default:
      throw new PageError(400, "refusal.action");
  }
}

const notices: readonly AccountNotice[] = [
  ...(["factorAdded", "keyRenamed", "factorRemoved", "ended", "others", "withdrawn", "resent"] as const),
];

async function show(request: HttpRequest, here: AuthSession, provider: Provider): Promise<HttpAnswer> {
  const { flow, storage, clock } = provider;
  const base = flow.policy.issuerPath.replace(/\/$/, "");
  const identity = await storage.userIdentities.get(here);
  const all = await storage.authSessions.listOfUser(here);
  const live = all.filter((session) => isSessionLive(session, clock.now()));
  const ordered = live.toSorted(
    (a, b) => Number(b.id === here.id) - Number(a.id === here.id) || b.lastActivity - a.lastActivity,
  );
  const done = request.query().get("done");
  const notice = notices.find((known) => known === done);
  const connector = await flow.connectors.find(here.connectorId);
  return showPage(
    200,
    accountPage(provider.page(request), {
      username: identity?.claims.username ?? "",
      email: identity?.claims.email ?? "",
      postUrl: request.path,
      logoutUrl: `${base}/logout`,
      csrf: sealAccountForm(here, provider),
      sessions: await Promise.all(ordered.map((session) => shown(session, session.id === here.id, provider))),
      consents: await shownConsents(identity, provider),
      methods: [connector?.name ?? here.connectorId],
      more: await factorsOfAccount(request, here, provider),
      ...(notice === undefined ? {} : { notice }),
      ...(await security(here, provider)),
    }),
  );
}

async function security(here: AuthSession, provider: Provider): Promise<Pick<AccountPageProps, "security">> {
  const account = provider.account && (await accountOf(here, provider.account));
  if (account === undefined) return {};
  return {
    security: {
      passwordUrl: withBack("/account/password", "", provider),
      emailUrl: withBack("/account/email", "", provider),
      mayResend: account.emailVerified === false && provider.account?.mailer !== undefined,
    },
  };
}

async function shown(session: AuthSession, isHere: boolean, provider: Provider): Promise<ShownSession> {
  return {
    id: session.id,
    device: deviceName(session.userAgent),
    isHere,
    ipAddress: session.ipAddress,
    signedIn: authTimeOf(session),
    lastUsed: session.lastActivity,
    clients: await Promise.all(Object.keys(session.clientStates).map((id) => clientName(id, provider))),
  };
}

async function shownConsents(identity: UserIdentity | undefined, provider: Provider): Promise<readonly ShownConsent[]> {
  const consents = await Promise.all(
    Object.entries(identity?.consents ?? {}).map(async ([clientId, scopes]) => ({
      clientId,
      clientName: await clientName(clientId, provider),
      scopes,
    })),
  );
  return consents.toSorted((a, b) => a.clientName.localeCompare(b.clientName));
}

async function clientName(id: string, { storage }: Provider): Promise<string> {
  const client = await storage.clients.get(id);
  return client === undefined || client.name === "" ? id : client.name;
}
