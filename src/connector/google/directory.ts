import { z } from "zod";
import { BadAnswerError, UnavailableError } from "../../kernel/errors.ts";
import type { Logger } from "../../kernel/ports.ts";
import { boundedConcurrency } from "../shared/bounded-concurrency.ts";
import { looseText } from "../shared/json.ts";
import { complaintIn, readJson } from "../shared/read-json.ts";
import type { GoogleConfig } from "./config.ts";
import type { DirectoryTokens } from "./directory-token.ts";

/** The groups of Google Workspace. Directory API, `groups.list`. */
export interface Directory {
  /** By address, in Dex's order: each group, then its own groups. `id` is asked for where nobody has the address (any more). */
  groupsOf(person: { readonly email: string; readonly id: string }, signal: AbortSignal): Promise<readonly string[]>;
}

/** The Directory API does not know this address. */
class UnknownMemberError extends BadAnswerError {}
/** It may not be read. */
class ForbiddenMemberError extends BadAnswerError {}

const page = z.object({
  groups: z
    .array(z.object({ email: z.string().min(1) }))
    .nullish()
    .transform((groups) => groups ?? []),
  nextPageToken: looseText,
});
const fault = z.object({ error: z.object({ errors: z.array(z.object({ reason: z.string() })).default([]) }) });

/** Calls at once, of all logins together: the quota is the whole domain's. */
export const maxCalls = 8;
const maxPages = 100;
const maxGroups = 10_000;

export function googleDirectory(
  config: Pick<GoogleConfig, "fetchTransitiveGroupMembership" | "skipUnreadableGroups" | "endpoints">,
  administrators: ReadonlyMap<string, string>,
  tokens: DirectoryTokens,
  fetch: typeof globalThis.fetch,
  logger: Logger,
): Directory {
  const bounded = boundedConcurrency(maxCalls);

  function administratorFor(email: string): string {
    const domain = email.slice(email.lastIndexOf("@") + 1);
    const found = administrators.get(domain) ?? administrators.get("*");
    if (found !== undefined) return found;
    throw new Error(
      `unable to find super admin email, domainToAdminEmail for domain: ${domain} not set, * is also empty`,
    );
  }

  async function ask(userKey: string, pageToken: string, administrator: string, signal: AbortSignal, again = true) {
    const query = new URLSearchParams({ alt: "json", pageToken, prettyPrint: "false", userKey });
    const token = await tokens.of(administrator);
    const response = await bounded(() =>
      fetch(`${config.endpoints.directoryURL}/admin/directory/v1/groups?${query}`, {
        headers: { authorization: `Bearer ${token.reveal()}`, accept: "application/json" },
        signal,
      }),
    );
    if (response.status === 401 && again) {
      tokens.forget(administrator);
      return ask(userKey, pageToken, administrator, signal, false);
    }
    await mustNotRefuse(response);
    return readJson(response, page, "google: could not list groups");
  }

  /** The groups that `userKey` is in by itself. */
  async function list(userKey: string, administrator: string, signal: AbortSignal): Promise<readonly string[]> {
    const found: string[] = [];
    let pageToken = "";
    for (let count = 0; count < maxPages; count++) {
      const { groups, nextPageToken } = await ask(userKey, pageToken, administrator, signal);
      found.push(...groups.map(({ email }) => email));
      if (nextPageToken === "") return found;
      pageToken = nextPageToken;
    }
    throw new BadAnswerError(`google: could not list groups: more than ${maxPages} pages`);
  }

  async function parentsOf(group: string, signal: AbortSignal): Promise<readonly string[]> {
    try {
      return await list(group, administratorFor(group), signal);
    } catch (error) {
      const isUnreadable = error instanceof UnknownMemberError || error instanceof ForbiddenMemberError;
      if (!isUnreadable || !config.skipUnreadableGroups) throw error;
      logger.warn("google: the groups of a group cannot be read", { group }, error);
      return [];
    }
  }

  /** Every group above `direct`, each asked about once, however many ways lead to it. */
  async function graphOf(
    direct: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, readonly string[]>> {
    const graph = new Map<string, readonly string[]>();
    let level = [...new Set(direct)];
    while (level.length > 0) {
      if (graph.size + level.length > maxGroups) {
        throw new BadAnswerError(`google: could not list transitive groups: more than ${maxGroups}`);
      }
      const parents = await Promise.all(level.map((group) => parentsOf(group, signal)));
      for (const [index, group] of level.entries()) graph.set(group, parents[index] ?? []);
      level = [...new Set(parents.flat())].filter((group) => !graph.has(group));
    }
    return graph;
  }

  return {
    async groupsOf({ email, id }, signal) {
      const administrator = administratorFor(email);
      const direct = await list(email, administrator, signal).catch((error: unknown) => {
        if (!(error instanceof UnknownMemberError)) throw error;
        // The address changed a moment ago; the id never does.
        return list(id, administrator, signal);
      });
      if (!config.fetchTransitiveGroupMembership) return [...new Set(direct)];
      return depthFirst(direct, await graphOf(direct, signal));
    },
  };
}

/** Each new group, followed by its own. compat(dex): connector/google. */
export function depthFirst(
  direct: readonly string[],
  graph: ReadonlyMap<string, readonly string[]>,
): readonly string[] {
  const seen = new Set<string>();
  const todo = [...direct].reverse();
  for (let group = todo.pop(); group !== undefined; group = todo.pop()) {
    if (seen.has(group)) continue;
    seen.add(group);
    todo.push(...[...(graph.get(group) ?? [])].reverse());
  }
  return [...seen];
}

const spent = new Set(["quotaExceeded", "rateLimitExceeded", "userRateLimitExceeded", "dailyLimitExceeded"]);

async function mustNotRefuse(response: Response): Promise<void> {
  const { status } = response;
  if (status !== 403 && status !== 404) return;
  const text = await response.text();
  const message = `google: could not list groups: status ${status} ${complaintIn(text)}`.trim();
  if (status === 404) throw new UnknownMemberError(message);
  // Google says "too many" with 403, too.
  if (reasonsIn(text).some((reason) => spent.has(reason))) throw new UnavailableError("google directory", message);
  throw new ForbiddenMemberError(message);
}

function reasonsIn(text: string): readonly string[] {
  try {
    return fault.safeParse(JSON.parse(text)).data?.error.errors.map(({ reason }) => reason) ?? [];
  } catch {
    return [];
  }
}
