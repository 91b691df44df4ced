import { z } from "zod";
import { BadAnswerError, UnavailableError } from "../../kernel/errors.ts";
import type { Secret } from "../../kernel/secret.ts";
import { httpProbe } from "../shared/http-probe.ts";
import { parseJson } from "../shared/json.ts";
import { complaintIn, readJson } from "../shared/read-json.ts";
import type { CrowdConfig } from "./config.ts";

/** Crowd's user management REST API, as one of its applications. */
export interface CrowdApi {
  /** Whether Crowd lets the person in. A session that this opens is ended at once. Without a password it is not checked. */
  authenticate(username: string, password: Secret | undefined, signal: AbortSignal): Promise<Verdict>;
  /** Undefined: there is no such person. */
  user(
    by: { readonly username: string } | { readonly key: string },
    signal: AbortSignal,
  ): Promise<CrowdUser | undefined>;
  /** All groups, nested ones too. */
  groups(username: string, signal: AbortSignal): Promise<readonly string[]>;
  /** @throws {UnavailableError} Crowd does not answer. */
  probe(signal: AbortSignal): Promise<void>;
}

export type Verdict = { readonly ok: true; readonly name: string } | { readonly ok: false; readonly reason: string };

const user = z.object({
  key: z.string().default(""),
  name: z.string(),
  email: z.string().default(""),
  active: z.boolean().default(true),
});
export type CrowdUser = z.infer<typeof user>;

const session = z.object({ token: z.string(), user: z.object({ name: z.string() }) });
const groupPage = z.object({ groups: z.array(z.object({ name: z.string() })) });
const refusal = z.object({ reason: z.string(), message: z.string().default("") });

/** As many as Crowd gives at once. */
const pageSize = 1000;
const maxPages = 50;

export function crowdApi(
  { baseURL, clientID, clientSecret }: CrowdConfig,
  fetch: typeof globalThis.fetch,
  onLeftSession: (error: unknown) => void,
): CrowdApi {
  const root = `${baseURL}/rest/usermanagement/1`;
  // compat(dex): not url-encoded, unlike an OAuth client's.
  const authorization = `Basic ${Buffer.from(`${clientID}:${clientSecret.reveal()}`).toString("base64")}`;

  async function ask(path: string, signal: AbortSignal, method = "GET", body?: unknown): Promise<Response> {
    const response = await fetch(root + path, {
      method,
      headers: { accept: "application/json", "content-type": "application/json", authorization },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal,
    });
    await mustKnowUs(response);
    return response;
  }

  /** What is wrong with our application, in Dex's words; it is nobody's password. */
  async function mustKnowUs(response: Response): Promise<void> {
    const { status } = response;
    if (status === 429 || status >= 500) throw new UnavailableError("crowd", `crowd: status ${status}`);
    if (status !== 401 && status !== 403) return;
    const said = await response.clone().text();
    if (refusalIn(said) !== undefined) return;
    throw new BadAnswerError(
      status === 401
        ? `dex failed to authenticate Crowd Application with ID "${clientID}"`
        : `dex is forbidden from making requests to the Atlassian Crowd application by URL "${baseURL}"`,
    );
  }

  const probe = httpProbe(fetch);
  return {
    probe: (signal) => probe(baseURL, signal),
    async authenticate(username, password, signal) {
      const path = password === undefined ? "/session?validate-password=false" : "/session";
      const body = { username, ...(password === undefined ? {} : { password: password.reveal() }) };
      const response = await ask(path, signal, "POST", body);
      if (!response.ok) return { ok: false, reason: await reasonOf(response, "crowd: authenticate user") };
      const opened = await readJson(response, session, "crowd: authenticate user");
      // Nobody waits for it, and nobody's leaving stops it.
      ask(`/session/${encodeURIComponent(opened.token)}`, new AbortController().signal, "DELETE").catch(onLeftSession);
      return { ok: true, name: opened.user.name };
    },
    async user(by, signal) {
      const response = await ask(`/user?${new URLSearchParams(by)}`, signal);
      if (response.status === 404 && (await reasonOf(response, "crowd: get user")) === "USER_NOT_FOUND") {
        return undefined;
      }
      return readJson(response, user, "crowd: get user");
    },
    async groups(username, signal) {
      const names: string[] = [];
      for (let page = 0; page < maxPages; page++) {
        const query = new URLSearchParams({
          username,
          "start-index": String(page * pageSize),
          "max-results": String(pageSize),
        });
        const answer = await ask(`/user/group/nested?${query}`, signal);
        const { groups } = await readJson(answer, groupPage, "crowd: failed to query groups");
        names.push(...groups.map(({ name }) => name));
        if (groups.length < pageSize) return names;
      }
      throw new BadAnswerError(`crowd: failed to query groups: more than ${maxPages * pageSize}`);
    },
  };
}

/** Crowd's own word for why it says no. @throws {BadAnswerError} It says none. */
async function reasonOf(response: Response, what: string): Promise<string> {
  const said = await response.text();
  const parsed = refusalIn(said);
  if (parsed === undefined) throw new BadAnswerError(`${what}: status ${response.status} ${complaintIn(said)}`.trim());
  return parsed.reason;
}

function refusalIn(text: string): z.infer<typeof refusal> | undefined {
  try {
    return refusal.safeParse(parseJson(text)).data;
  } catch {
    return undefined;
  }
}
