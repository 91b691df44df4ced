import { z } from "zod";
import { BadAnswerError, UnavailableError } from "../../kernel/errors.ts";
import { Secret } from "../../kernel/secret.ts";
import { httpProbe } from "../shared/http-probe.ts";
import { looseText } from "../shared/json.ts";
import { complaintIn, readJson } from "../shared/read-json.ts";

/** The Identity API v3, as far as a login needs it. */
export interface KeystoneApi {
  authenticate(auth: unknown, signal: AbortSignal): Promise<Authenticated | Denied>;
  /** Ends a token. Fails quietly into the log: it would end by itself. */
  revoke(token: Secret): void;
  /** @throws {UnavailableError} Keystone does not answer. */
  probe(signal: AbortSignal): Promise<void>;
  /** @throws {ForbiddenError} The token may not read it. */
  user(id: string, token: Secret, signal: AbortSignal): Promise<KeystoneUser | undefined>;
  /** @throws As `user`. */
  groups(id: string, token: Secret, signal: AbortSignal): Promise<readonly KeystoneGroup[]>;
  /** Those on which the person has a role, by themselves or through a group. @throws As `user`. */
  projects(id: string, token: Secret, signal: AbortSignal): Promise<readonly KeystoneProject[]>;
  /** What the domain of that id is called. @throws As `user`. */
  domainName(id: string, token: Secret, signal: AbortSignal): Promise<string>;
}

export interface Authenticated {
  readonly ok: true;
  readonly token: Secret;
  readonly userId: string;
  readonly domainName: string;
  /** Milliseconds since the epoch; undefined: it does not say. */
  readonly expiresAt: number | undefined;
}

export interface Denied {
  readonly ok: false;
  readonly isExpiredPassword: boolean;
  /** Keystone's own words. */
  readonly because: string;
}

/** The token is good and its owner may not read this. */
export class ForbiddenError extends BadAnswerError {}

/** The token is not accepted (any more). */
export class TokenEndedError extends BadAnswerError {}

const tokenAnswer = z.object({
  token: z.object({
    user: z.object({
      id: z.string().min(1),
      domain: z.object({ name: looseText }).nullish(),
    }),
    expires_at: looseText,
  }),
});

const keystoneUser = z.object({
  id: z.string(),
  name: looseText,
  email: looseText,
  enabled: z.boolean().default(true),
});
export type KeystoneUser = z.infer<typeof keystoneUser>;
const keystoneGroup = z.object({ id: z.string().default(""), name: z.string(), domain_id: looseText });
export type KeystoneGroup = z.infer<typeof keystoneGroup>;
const keystoneProject = z.object({ id: z.string(), name: z.string(), enabled: z.boolean().default(true) });
export type KeystoneProject = z.infer<typeof keystoneProject>;

const truncated = z.boolean().default(false);
const groupList = z.object({ groups: z.array(keystoneGroup), truncated });
const projectList = z.object({ projects: z.array(keystoneProject), truncated });

export function keystoneApi(
  host: string,
  fetch: typeof globalThis.fetch,
  onLeftToken: (error: unknown) => void,
): KeystoneApi {
  const root = `${host.replace(/\/+$/, "")}/v3`;
  const seg = encodeURIComponent;

  async function read(path: string, token: Secret, signal: AbortSignal, what: string): Promise<Response> {
    const headers = { accept: "application/json", "x-auth-token": token.reveal() };
    const response = await fetch(root + path, { headers, signal });
    const { status } = response;
    if (status !== 401 && status !== 403) return response;
    const message = `keystone: ${what}: status ${status} ${complaintIn(await response.text())}`.trim();
    throw status === 401 ? new TokenEndedError(message) : new ForbiddenError(message);
  }

  async function list<T extends { readonly truncated: boolean }>(
    path: string,
    schema: z.ZodType<T>,
    token: Secret,
    signal: AbortSignal,
  ): Promise<T> {
    const response = await read(path, token, signal, "list");
    const answer = await readJson(response, schema, "keystone: list");
    // Keystone cuts a list off and has no next page: half a list would be half the groups.
    if (answer.truncated) throw new BadAnswerError("keystone: a list is not whole; raise list_limit");
    return answer;
  }

  const probe = httpProbe(fetch);
  return {
    async authenticate(auth, signal) {
      const response = await fetch(`${root}/auth/tokens`, {
        method: "POST",
        headers: { "content-type": "application/json", accept: "application/json" },
        body: JSON.stringify({ auth }),
        signal,
      });
      const { status } = response;
      if (status === 401) return deniedBy(complaintIn(await response.text()));
      if (status === 429 || status >= 500) throw new UnavailableError("keystone", `keystone login: error ${status}`);
      if (status !== 201) throw new BadAnswerError(`keystone login: error ${status}`);
      const value = response.headers.get("x-subject-token") ?? "";
      if (value === "") throw new BadAnswerError("keystone login: an answer without a token");
      const { token } = await readJson(response, tokenAnswer, "keystone: invalid token response");
      const expiresAt = Date.parse(token.expires_at);
      return {
        ok: true,
        token: new Secret(value),
        userId: token.user.id,
        domainName: token.user.domain?.name ?? "",
        expiresAt: Number.isNaN(expiresAt) ? undefined : expiresAt,
      };
    },
    probe: (signal) => probe(root, signal, true),
    revoke(token) {
      const headers = { "x-auth-token": token.reveal(), "x-subject-token": token.reveal() };
      fetch(`${root}/auth/tokens`, { method: "DELETE", headers }).then((response) => {
        if (!response.ok && response.status !== 404) onLeftToken(new BadAnswerError(`status ${response.status}`));
      }, onLeftToken);
    },
    async user(id, token, signal) {
      const response = await read(`/users/${seg(id)}`, token, signal, "get user");
      if (response.status === 404) return undefined;
      return (await readJson(response, z.object({ user: keystoneUser }), "keystone: user")).user;
    },
    groups: async (id, token, signal) => (await list(`/users/${seg(id)}/groups`, groupList, token, signal)).groups,
    projects: async (id, token, signal) =>
      (await list(`/users/${seg(id)}/projects`, projectList, token, signal)).projects,
    async domainName(id, token, signal) {
      const response = await read(`/domains/${seg(id)}`, token, signal, "get domain");
      const answer = z.object({ domain: z.object({ name: z.string() }) });
      return (await readJson(response, answer, "keystone: domain")).domain.name;
    },
  };
}

const deniedBy = (because: string): Denied => ({
  ok: false,
  // It says so to those alone who know the password.
  isExpiredPassword: /password is expired/i.test(because),
  because,
});
