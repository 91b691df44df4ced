import type { ConnectorConfig } from "../config/read-connectors.ts";
import type { Connector, Identity, Login, LoginResult, RedirectConnector, Report } from "../connector/contract.ts";
import { Secret } from "../kernel/secret.ts";
import { encodeSubject } from "../token/subject.ts";

/** Asks whoever sits at the terminal. `isHidden`: for a password. */
export type AskPerson = (question: string, isHidden?: boolean) => Promise<string>;

/** A real login, with all that the client could be told in the end. @throws {Error} It failed. */
export async function testLogin(
  connector: Connector,
  { id }: ConnectorConfig,
  issuer: string,
  ask: AskPerson,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  const login: Login = {
    scopes: { offlineAccess: true, groups: true },
    trail: { note: ({ outcome, check, because }) => report.fact(outcome === "fail" ? "fail" : "pass", check, because) },
    signal,
  };
  const result =
    connector.kind === "password"
      ? await connector.login(
          await ask(`${connector.prompt || "Username"}: `),
          new Secret(await ask("Password: ", true)),
          login,
        )
      : await thereAndBack(connector, issuer, ask, login);
  reportResult(result, id, report);
}

/** The person takes the browser's way and brings the last address back: the server that runs there must not redeem it. */
async function thereAndBack(
  connector: RedirectConnector,
  issuer: string,
  ask: AskPerson,
  login: Login,
): Promise<LoginResult> {
  let remembered: Secret | undefined;
  const state = "dex-connector-test";
  const callback = new URL(`${issuer.replace(/\/$/, "")}/callback`);
  const departure = await connector.begin(
    callback,
    (remember) => {
      remembered = remember;
      return state;
    },
    login,
  );
  if (departure.kind === "post" || connector.returnsBy === "post") {
    throw new Error("this connector's browser posts a form, which no terminal can: try the login page");
  }
  const answer = await ask(
    `Open this address, sign in, and paste the address that the browser ends at (an error page there is fine):\n${departure.to.href}\n> `,
  );
  const url = URL.parse(answer.trim());
  if (url === null || url.searchParams.get("state") !== state) throw new Error("that is not where this login ends");
  return connector.finish({ method: "GET", url, headers: {}, form: new Map(), peer: "127.0.0.1" }, remembered, login);
}

function reportResult(result: LoginResult, connectorId: string, report: Report): void {
  if (!result.ok) {
    report.fact("fail", "login", result.reason);
    return;
  }
  const { identity } = result;
  report.fact("pass", "login", `user id ${JSON.stringify(identity.userId)}`);
  report.fact("pass", "claims", JSON.stringify(claimsOf(identity, connectorId)));
  const { connectorData } = identity;
  const size = connectorData?.reveal().byteLength ?? 0;
  report.fact("pass", "refresh", size === 0 ? "nothing is kept for a refresh" : `${size} bytes are kept for a refresh`);
}

const claimsOf = (
  { userId, username, preferredUsername, email, emailVerified, groups }: Identity,
  connectorId: string,
) => ({
  sub: encodeSubject({ userId, connectorId }),
  name: username,
  preferred_username: preferredUsername,
  email,
  email_verified: emailVerified,
  groups,
});
