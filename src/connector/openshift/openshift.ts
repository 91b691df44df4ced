import { readFile } from "node:fs/promises";
import { z } from "zod";
import { BadAnswerError } from "../../kernel/errors.ts";
import { Secret } from "../../kernel/secret.ts";
import { type ConnectorDeps, defineConnector, type Login, type RedirectConnector } from "../contract.ts";
import { diagnoseClient } from "../shared/diagnose-client.ts";
import { fetchFor } from "../shared/fetch-for.ts";
import { keepOut } from "../shared/keep-out.ts";
import { readJson } from "../shared/read-json.ts";
import { createTokenClient, type TokenClient } from "../shared/token-client.ts";
import { vendorApi } from "../shared/vendor-api.ts";
import { vendorLogin, type WhoIs } from "../shared/vendor-login.ts";
import { type OpenshiftConfig, openshiftConfig } from "./config.ts";
import { readTokens, writeTokens } from "./tokens.ts";

/** People of an OpenShift cluster: its own OAuth server, RFC 8414 metadata, and the user API. */
export const openshift = defineConnector<OpenshiftConfig>({
  type: "openshift",
  config: openshiftConfig,
  about: {
    refresh: true,
    groups: true,
    preferredUsername: true,
    logout: false,
    tokenExchange: false,
    status: "stable",
  },
  async open(config, deps) {
    const fetch = fetchOf(config, deps);
    return connect(config, await discover(config, fetch), fetch, deps);
  },
  async diagnose(config, deps, report) {
    const fetch = fetchOf(config, deps);
    const metadata = await discover(config, fetch);
    report.fact("pass", "discovery", `people sign in at ${new URL(metadata.authorizationUrl).origin}`);
    await diagnoseClient(clientFor(config, metadata, fetch, deps), config.redirectURI, report);
  },
});

const fetchOf = ({ rootCA, insecureCA: insecureSkipVerify }: OpenshiftConfig, deps: ConnectorDeps) => {
  try {
    return fetchFor({ rootCAs: rootCA === "" ? [] : [rootCA], insecureSkipVerify }, deps);
  } catch (error) {
    throw new Error(`failed to create HTTP client: ${error instanceof Error ? error.message : ""}`, { cause: error });
  }
};

interface Metadata {
  readonly authorizationUrl: string;
  readonly tokenUrl: string;
  readonly knowsPkce: boolean;
}

const address = z.string().refine((url) => /^https?:$/.test(URL.parse(url)?.protocol ?? ""));
const document = z.object({
  authorization_endpoint: address,
  token_endpoint: address,
  code_challenge_methods_supported: z.array(z.string()).default([]),
});

/** @throws {UnavailableError} The cluster is away. @throws {BadAnswerError} What it says cannot be used. */
async function discover({ issuer }: OpenshiftConfig, fetch: typeof globalThis.fetch): Promise<Metadata> {
  const response = await fetch(`${issuer}/.well-known/oauth-authorization-server`);
  const found = await readJson(response, document, `failed to query OpenShift endpoint ${issuer}`);
  return {
    authorizationUrl: found.authorization_endpoint,
    tokenUrl: found.token_endpoint,
    knowsPkce: found.code_challenge_methods_supported.includes("S256"),
  };
}

/** A client whose secret may be another one each time. */
function clientFor(
  config: OpenshiftConfig,
  { tokenUrl }: Metadata,
  fetch: typeof globalThis.fetch,
  { clock }: ConnectorDeps,
): TokenClient {
  const { serviceAccountTokenFile: path, clientID: clientId, clientSecret } = config;
  const make = (secret: Secret): TokenClient =>
    createTokenClient({
      fetch,
      tokenUrl,
      clientId,
      authentication: { kind: "secret", secret },
      clock,
      what: "openshift: failed to get token",
    });
  if (path === "") return make(clientSecret);
  const current = async (): Promise<TokenClient> => {
    try {
      return make(new Secret((await readFile(path, "utf8")).trim()));
    } catch (error) {
      throw new Error("openshift: failed to read serviceAccountTokenFile", { cause: error });
    }
  };
  return {
    exchangeCode: async (exchange, signal) => (await current()).exchangeCode(exchange, signal),
    refresh: async (token, signal) => (await current()).refresh(token, signal),
    ask: async (endpoint, form, signal) => (await current()).ask(endpoint, form, signal),
    probe: async (signal) => (await current()).probe(signal),
  };
}

const userAnswer = z.object({
  metadata: z.object({ name: z.string().min(1), uid: z.string().nullish() }),
  groups: z
    .array(z.string())
    .nullish()
    .transform((groups) => groups ?? []),
});

function connect(
  config: OpenshiftConfig,
  metadata: Metadata,
  fetch: typeof globalThis.fetch,
  deps: ConnectorDeps,
): RedirectConnector {
  const api = vendorApi({ fetch, base: config.issuer, what: "openshift" });

  async function whoIs(token: Secret, login: Login): Promise<WhoIs> {
    const call = { token, signal: login.signal, about: "get user" };
    const { metadata: user, groups } = await api.get("/apis/user.openshift.io/v1/users/~", userAnswer, call);
    const userId = user.uid ?? "";
    // A user without an object of its own has none, and all of them would be one person.
    if (userId === "")
      throw new BadAnswerError("openshift: get user: the cluster has no object for this user (no uid)");
    if (config.groups.length > 0 && !groups.some((group) => config.groups.includes(group))) {
      const because = "openshift: a member of none of the required groups";
      return keepOut("not_in_required_groups", because, login, deps);
    }
    // compat(dex): the name is all there is.
    const { name } = user;
    const identity = { userId, username: name, preferredUsername: name, email: name, emailVerified: false, groups };
    return { ok: true, identity };
  }

  return vendorLogin(
    {
      what: "openshift",
      clientId: config.clientID,
      redirectUri: config.redirectURI,
      authorizationUrl: metadata.authorizationUrl,
      client: clientFor(config, metadata, fetch, deps),
      pkce: config.pkce && metadata.knowsPkce,
      scope: () => "user:info",
      whoIs,
      redeems: "when expired",
      read: readTokens,
      write: writeTokens,
    },
    deps,
  );
}
