import assert from "node:assert/strict";
import {
  authorize,
  codeOf,
  type Params,
  queryOf,
  type RelyingParty,
  redeem,
  type Tokens,
  tokensOf,
  unescapeHtml,
} from "../relying-party.ts";
import {
  appClient,
  type ConfigFile,
  passwordConnector,
  type ServerUnderTest,
  startServerUnderTest,
} from "../server-under-test.ts";
import type { Answer, UserAgent } from "../user-agent.ts";

export const afterLogout = "https://app.example/bye?kept=1";
export const second: RelyingParty = { id: "second", secret: "second-secret", redirectUri: "https://second.example/cb" };

export const secondClient = {
  id: "second",
  name: "The Second",
  secret: "second-secret",
  redirectURIs: [second.redirectUri],
};

/** A server with sessions and one form, whose first client may be returned to after a logout. */
export const startWithLogout = (
  first: ConfigFile = {},
  more: ConfigFile = {},
  clients: readonly ConfigFile[] = [],
): Promise<ServerUnderTest> =>
  startServerUnderTest(
    {
      connectors: [passwordConnector],
      staticClients: [
        { ...appClient, postLogoutRedirectURIs: [afterLogout], ssoSharedWith: ["*"], ...first },
        ...clients,
      ],
      ...more,
    },
    { sessions: true },
  );

export async function logIn(agent: UserAgent, more: Params = {}, client?: RelyingParty): Promise<Tokens> {
  const page = await authorize(agent, { scope: "openid offline_access", ...more }, client);
  const answer =
    page.status === 200
      ? await agent.follow(await agent.post(page.url.href, { login: "kilgore", password: "trout" }))
      : page;
  return tokensOf(await redeem(agent, codeOf(answer), {}, client));
}

export const logout = (agent: UserAgent, params: Params = {}): Promise<Answer> =>
  agent.get(`/logout?${queryOf(params)}`);

/** The person says yes on the confirmation page. */
export async function confirm(agent: UserAgent, page: Answer): Promise<Answer> {
  assertConfirmation(page);
  const token = unescapeHtml(/name="confirm" value="([^"]*)"/.exec(page.body)?.[1] ?? "");
  return agent.post("/logout", { confirm: token });
}

export function assertConfirmation(answer: Answer): void {
  assert.equal(answer.status, 200, answer.body);
  assert.match(answer.body, /<form method="post" action="\/dex\/logout"/);
}

export function assertLoggedOutPage(answer: Answer): void {
  assert.equal(answer.status, 200, answer.body);
  assert.match(answer.body, /You are logged out/);
}

export async function assertSignedIn(agent: UserAgent, isSignedIn = true): Promise<void> {
  const { location } = await authorize(agent, { prompt: "none" });
  assert.equal(location?.searchParams.get("error"), isSignedIn ? null : "login_required");
}

export const assertSignedOut = (agent: UserAgent): Promise<void> => assertSignedIn(agent, false);
