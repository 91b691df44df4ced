import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { ConnectorConfig } from "../config/read-connectors.ts";
import type {
  Callback,
  Connector,
  Departure,
  Findings,
  Identity,
  Login,
  LoginResult,
  RedirectConnector,
} from "../connector/contract.ts";
import { Secret } from "../kernel/secret.ts";
import { html } from "../page/html.ts";
import { encodeSubject } from "../token/subject.ts";

/** Asks whoever sits at the terminal. `isHidden`: for a password. */
export type AskPerson = (question: string, isHidden?: boolean) => Promise<string>;

/** A real login, with all that the client could be told in the end. @throws {Error} It failed. */
export async function testLogin(
  connector: Connector,
  { id }: ConnectorConfig,
  issuer: string,
  ask: AskPerson,
  report: Findings,
  signal: AbortSignal,
): Promise<void> {
  const login: Login = {
    scopes: { offlineAccess: true, groups: true },
    trail: { note: ({ outcome, check, because }) => report.fact(outcome === "fail" ? "fail" : "pass", check, because) },
    signal,
    heard: (answer) => report.fact("pass", "answer", answer),
  };
  const result =
    connector.kind === "password"
      ? await connector.login(
          await ask(`${connector.prompt || "Username"}: `),
          new Secret(await ask("Password: ", true)),
          login,
        )
      : await thereAndBack(connector, issuer, ask, login, report);
  reportResult(result, id, report);
}

/** The person takes the browser's way and brings back what it ends with: the server that runs there must not redeem it. */
async function thereAndBack(
  connector: RedirectConnector,
  issuer: string,
  ask: AskPerson,
  login: Login,
  report: Findings,
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
  const start = await placeToStart(departure, callback);
  try {
    const question = `Open this address, and sign in:\n${start.at}\n`;
    const back =
      connector.returnsBy === "post"
        ? await postedBack(question, callback, ask, report)
        : await sentBack(question, state, ask);
    return await connector.finish({ headers: {}, peer: "127.0.0.1", ...back }, remembered, login);
  } finally {
    await start.remove();
  }
}

/** Where a browser begins: the upstream's address, or a file with the form that it must be sent. */
async function placeToStart(
  departure: Departure,
  callback: URL,
): Promise<{ readonly at: string; readonly remove: () => Promise<void> }> {
  const { href } = departure.to;
  if (href.startsWith(callback.href))
    throw new Error("a proxy says who somebody is, to the running server alone: sign in there");
  if (departure.kind === "redirect") return { at: href, remove: async () => undefined };
  const folder = await mkdtemp(join(tmpdir(), "dex-connector-test-"));
  const file = join(folder, "sign-in.html");
  const inputs = Object.entries(departure.fields).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  );
  const page = html`<!doctype html><form method="post" action="${href}">${inputs}<button autofocus>Sign in</button></form>`;
  await writeFile(file, page.toString(), { mode: 0o600 });
  return { at: pathToFileURL(file).href, remove: () => rm(folder, { recursive: true, force: true }) };
}

type Back = Pick<Callback, "method" | "url" | "form">;

async function sentBack(question: string, state: string, ask: AskPerson): Promise<Back> {
  const answer = await ask(
    `${question}Then paste the address that the browser ends at (an error page there is fine):\n> `,
  );
  const url = URL.parse(answer.trim());
  if (url === null || url.searchParams.get("state") !== state) throw new Error("that is not where this login ends");
  return { method: "GET", url, form: new Map() };
}

/** SAML Bindings §3.5: the answer is in a form, which the browser's own tools show. */
async function postedBack(question: string, url: URL, ask: AskPerson, report: Findings): Promise<Back> {
  const answer = await ask(
    `${question}The browser ends at ${url.href} (an error page there is fine). In its developer tools, under Network, that request has the form field SAMLResponse: paste its value, or the path of a file with it.\n> `,
  );
  const given = answer.trim();
  const value = (given.startsWith("/") ? await readFile(given, "utf8") : given).trim();
  if (value === "") throw new Error("there is no SAMLResponse");
  report.fact("pass", "answer", Buffer.from(value, "base64").toString().replaceAll(/\s+/g, " "));
  return { method: "POST", url, form: new Map([["SAMLResponse", value]]) };
}

function reportResult(result: LoginResult, connectorId: string, report: Findings): void {
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
