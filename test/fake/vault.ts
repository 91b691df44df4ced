/**
 * A Vault on loopback: Transit's keys and signatures, tokens with a life, AppRole and Kubernetes login, with the
 * statuses, envelopes and words of OpenBao: test/compat/openbao-answers.test.ts compares them with recorded ones. It can
 * be sealed, slow, gone and broken on cue.
 */
import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Server as TlsServer } from "node:https";
import { setTimeout as wait } from "node:timers/promises";
import { TLSSocket } from "node:tls";
import { bodyOf, type LoopbackServer, loopbackServer } from "./loopback-server.ts";
import { type SignParameters, type TransitType, tokenText, VaultKey } from "./vault-key.ts";

export interface VaultRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  /** The name that was asked for in the handshake. */
  readonly serverName: string | false | null | undefined;
}

interface Token {
  readonly issuedAt: number;
  expiresAt: number;
  readonly ttl: number;
  readonly renewable: boolean;
  /** Renewals do not reach beyond it. */
  readonly maxExpiresAt: number;
}

export interface FakeVault {
  readonly url: string;
  readonly requests: VaultRequest[];
  readonly keys: Map<string, VaultKey>;
  /** Answers 503 "Vault is sealed" while true. */
  isSealed: boolean;
  /** Every request without this namespace is refused, where one is set. */
  namespace: string | undefined;
  /** Milliseconds before each answer. */
  latency: number;
  /** Status for every answer to a signature, as a proxy or a broken engine gives it. */
  signStatus: number | undefined;
  /** Paths that no token may use: `transit/sign/dex`. */
  readonly forbidden: Set<string>;
  /** Tokens that may sign nothing. */
  readonly readers: Set<string>;
  /** What logins take, and the life in seconds of the tokens they give. */
  readonly roles: {
    kubernetes: { readonly role: string; jwt: string };
    appRole: { readonly roleId: string; secretId: string };
    ttl: number;
    maxTtl: number;
  };
  /** A token that is good from now on; `ttl` seconds, 0: for ever. */
  issue(ttl?: number, renewable?: boolean): string;
  /** No token counts any more. */
  revokeAll(): void;
  /** How many calls went to `path`. */
  count(path: string): number;
  /** Ends the process: connections break, the port refuses. */
  die(): Promise<void>;
  /** Comes back on the same port. */
  rise(): Promise<void>;
  /** Shows another certificate, and asks for those of another authority, from the next connection on. */
  present(identity: VaultIdentity): void;
  close(): Promise<void>;
}

/** PEM texts. */
export interface VaultIdentity {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
}

export interface VaultStart {
  readonly type?: TransitType;
  readonly now?: () => number;
  /** With `ca` it asks for a client certificate of that authority. */
  readonly tls?: VaultIdentity;
}

/** With one key, `dex`, of `type` (ES256's unless told). */
export async function startFakeVault({
  type = "ecdsa-p256",
  now = Date.now,
  tls,
}: VaultStart = {}): Promise<FakeVault> {
  const tokens = new Map<string, Token>();
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    answer(vault, tokens, now, request).then(
      ({ status, body }) => {
        response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
        response.end(JSON.stringify(body));
      },
      (error: unknown) => response.destroy(error instanceof Error ? error : new Error(String(error))),
    );
  };
  const listen = (on?: number): Promise<LoopbackServer> =>
    loopbackServer(handle, tls && { ...tls, requestCert: tls.ca !== undefined }, on);
  let server: LoopbackServer | undefined = await listen();
  const { url, port } = server;
  const die = async (): Promise<void> => {
    await server?.close();
    server = undefined;
  };
  const vault: FakeVault = {
    url,
    requests: [],
    keys: new Map([["dex", new VaultKey(type, now)]]),
    isSealed: false,
    namespace: undefined,
    latency: 0,
    signStatus: undefined,
    forbidden: new Set(),
    readers: new Set(),
    roles: {
      kubernetes: { role: "dex", jwt: "the pod's token" },
      appRole: { roleId: "role-id", secretId: "secret-id" },
      ttl: 3_600,
      maxTtl: 32 * 86_400,
    },
    issue(ttl = 0, renewable = ttl > 0) {
      const token = tokenText(randomUUID());
      const life = ttl === 0 ? Infinity : ttl * 1000;
      const maxExpiresAt = now() + vault.roles.maxTtl * 1000;
      tokens.set(token, { issuedAt: now(), expiresAt: now() + life, ttl, renewable, maxExpiresAt });
      return token;
    },
    revokeAll: () => tokens.clear(),
    count: (path) => vault.requests.filter((request) => request.path === path).length,
    die,
    async rise() {
      server ??= await listen(port);
    },
    present(identity) {
      if (server?.server instanceof TlsServer) server.server.setSecureContext(identity);
      server?.server.closeAllConnections();
    },
    close: die,
  };
  return vault;
}

interface VaultAnswer {
  readonly status: number;
  readonly body: object;
}

const refusal = (status: number, ...errors: string[]): VaultAnswer => ({ status, body: { errors } });

const envelope = (more: object): VaultAnswer => ({
  status: 200,
  body: {
    ...{ request_id: randomUUID(), lease_id: "", renewable: false, lease_duration: 0 },
    ...{ data: null, wrap_info: null, warnings: null, auth: null },
    ...more,
  },
});

const denied = refusal(403, "permission denied");

async function answer(
  vault: FakeVault,
  tokens: Map<string, Token>,
  now: () => number,
  request: IncomingMessage,
): Promise<VaultAnswer> {
  const { method = "", url = "", headers } = request;
  const path = url.replace(/^\/v1\//, "");
  const body = await bodyOf(request);
  const { socket } = request;
  const serverName = socket instanceof TLSSocket ? Reflect.get(socket, "servername") : undefined;
  vault.requests.push({ method, path, headers, body, serverName });
  if (vault.latency > 0) await wait(vault.latency);
  if (vault.isSealed) return refusal(503, "Vault is sealed");
  if (vault.namespace !== undefined && headers["x-vault-namespace"] !== vault.namespace) return denied;
  const data: unknown = body === "" ? {} : JSON.parse(body);
  if (path.startsWith("auth/") && path.endsWith("/login") && method === "POST") return logIn(vault, tokens, path, data);
  const text = String(headers["x-vault-token"] ?? "");
  const token = tokens.get(text);
  if (token === undefined || token.expiresAt <= now()) return denied;
  const isForbidden = vault.forbidden.has(path) || (vault.readers.has(text) && path.startsWith("transit/sign/"));
  if (isForbidden) return refusal(403, "1 error occurred:\n\t* permission denied\n\n");
  if (path === "auth/token/lookup-self") {
    return envelope({ data: lookUp(token, text, now()) });
  }
  if (path === "auth/token/renew-self") return renew(token, text, now());
  return transit(vault, method, path, data);
}

function lookUp({ expiresAt, issuedAt, ttl, renewable }: Token, id: string, now: number): object {
  const isEndless = expiresAt === Infinity;
  return {
    ...{ accessor: "accessor", creation_time: Math.floor(issuedAt / 1000), creation_ttl: ttl, display_name: "token" },
    ...{ entity_id: "", expire_time: isEndless ? null : new Date(expiresAt).toISOString(), explicit_max_ttl: 0, id },
    ...{
      issue_time: new Date(issuedAt).toISOString(),
      meta: null,
      num_uses: 0,
      orphan: true,
      path: "auth/token/create",
    },
    ...{ policies: ["default", "dex"], renewable, ttl: isEndless ? 0 : Math.ceil((expiresAt - now) / 1000) },
    type: "service",
  };
}

function logIn(vault: FakeVault, tokens: Map<string, Token>, path: string, data: unknown): VaultAnswer {
  const { kubernetes, appRole, ttl } = vault.roles;
  const given = JSON.stringify(data);
  const isKnown =
    path === "auth/kubernetes/login"
      ? given === JSON.stringify({ role: kubernetes.role, jwt: kubernetes.jwt })
      : path === "auth/approle/login" &&
        given === JSON.stringify({ role_id: appRole.roleId, secret_id: appRole.secretId });
  if (!isKnown) {
    if (path === "auth/approle/login") return refusal(400, "invalid role or secret ID");
    const role: unknown = Reflect.get(Object(data), "role");
    return role === kubernetes.role ? denied : refusal(400, `invalid role name ${JSON.stringify(role)}`);
  }
  const token = vault.issue(ttl, true);
  const metadata = path === "auth/approle/login" ? { role_name: "dex" } : podOf(kubernetes.role);
  return tokens.has(token) ? authOf(token, ttl, { metadata, entity_id: "entity" }) : denied;
}

const podOf = (role: string): object => ({
  ...{ role, service_account_name: "dex", service_account_namespace: "dex" },
  ...{ service_account_secret_name: "", service_account_uid: "uid-of-dex" },
});

const authOf = (token: string, ttl: number, whose: object = { metadata: null, entity_id: "" }): VaultAnswer =>
  envelope({
    auth: {
      ...{
        client_token: token,
        accessor: "accessor",
        policies: ["default", "dex"],
        token_policies: ["default", "dex"],
      },
      ...{
        lease_duration: ttl,
        renewable: true,
        token_type: "service",
        orphan: true,
        mfa_requirement: null,
        num_uses: 0,
      },
      ...whose,
    },
  });

function renew(token: Token, text: string, now: number): VaultAnswer {
  if (!token.renewable) return refusal(400, "lease is not renewable");
  token.expiresAt = Math.min(now + token.ttl * 1000, token.maxExpiresAt);
  return authOf(text, Math.max(0, Math.floor((token.expiresAt - now) / 1000)));
}

function transit(vault: FakeVault, method: string, path: string, data: unknown): VaultAnswer {
  const [, action, name = ""] = /^transit\/(keys|sign)\/([\w.-]+)$/.exec(path) ?? [];
  const key = vault.keys.get(name);
  if (action === "keys" && method === "GET") {
    return key === undefined ? { status: 404, body: { errors: [] } } : envelope({ data: key.describe(name) });
  }
  if (action !== "sign" || method !== "POST") {
    return refusal(404, `no handler for route "${path}". route entry not found.`);
  }
  if (vault.signStatus !== undefined) return refusal(vault.signStatus, "1 error occurred:\n\t* internal error\n\n");
  if (key === undefined) return refusal(400, "signing key not found");
  return envelope({ data: { batch_results: signAll(key, data as SignParameters & Batch) } });
}

interface Batch {
  readonly batch_input: readonly { readonly input?: string }[];
}

/** Each result by itself: a refused one does not refuse its neighbours. */
const signAll = (key: VaultKey, { batch_input, ...parameters }: SignParameters & Batch): readonly object[] =>
  batch_input.map(({ input }) => {
    const failed = (error: string): object => ({ key_version: 0, error, reference: "" });
    if (input === undefined) return failed("missing input");
    const stray = /[^A-Za-z0-9+/=]/.exec(input)?.index;
    if (stray !== undefined)
      return failed(`unable to decode input as base64: illegal base64 data at input byte ${stray}`);
    try {
      return { ...key.sign(Buffer.from(input, "base64"), parameters), reference: "" };
    } catch (error) {
      return failed(error instanceof Error ? error.message : String(error));
    }
  });
