import { z } from "zod";
import { BadAnswerError, UnavailableError } from "../../kernel/errors.ts";
import type { Secret } from "../../kernel/secret.ts";
import { boundedConcurrency } from "./bounded-concurrency.ts";
import { mapBounded } from "./map-bounded.ts";
import { type Page, paginate } from "./paginate.ts";
import { complaintIn, readJson } from "./read-json.ts";

/** A vendor's HTTP API, asked on a person's behalf with their access token. */
export interface VendorApi {
  /** The JSON that `path` answers with. @throws As {@link VendorApi.ask}. @throws {BadAnswerError} Not this shape. */
  get<T>(path: string, schema: z.ZodType<T>, call: ApiCall): Promise<T>;
  /**
   * All items of a listing. `read` takes one page's JSON apart and says where the next is: an address, or a path like
   * the first. @throws As {@link VendorApi.get}, or the pages lead elsewhere or nowhere.
   */
  list<T>(path: string, call: ApiCall, read: (response: Response, at: URL) => Promise<Page<T>>): Promise<readonly T[]>;
  /**
   * The answer, whatever its status, but for those that say the same everywhere.
   * @throws {UnavailableError} It is away, or has had too many calls of ours.
   * @throws {TokenRejectedError} It does not take the token. @throws {AccountEndedError}
   */
  ask(path: string, call: ApiCall): Promise<Response>;
  /** `work` for each, a few at once: one person's login must not keep everybody else's waiting. */
  each<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]>;
}

export interface ApiCall {
  readonly token: Secret;
  readonly signal: AbortSignal;
  /** In errors: "get user". */
  readonly about: string;
  /** JSON to post; absent: nothing is posted. Pages of a listing are asked for with the same. */
  readonly post?: unknown;
}

export interface VendorApiOptions {
  readonly fetch: typeof globalThis.fetch;
  /** Without a slash at the end. */
  readonly base: string;
  /** What the vendor calls `base` in its links, where we reach it through a proxy. */
  readonly official?: string;
  /** In errors: "github". */
  readonly what: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** What a 403 says whose account the vendor has closed. */
  readonly ended?: RegExp;
}

/** The vendor does not take the token: expired, revoked, or none of its own. 401. */
export class TokenRejectedError extends BadAnswerError {}

/** The vendor says that the person's account is closed: suspended, blocked, deactivated. */
export class AccountEndedError extends BadAnswerError {}

/** Calls of one connector at once, and of one login. The vendor's patience is shared by everybody who signs in. */
export const maxCalls = 32;
export const maxCallsOfOne = 8;

export function vendorApi({ fetch, official, what, headers = {}, ended, ...options }: VendorApiOptions): VendorApi {
  // As addresses are written when they are resolved.
  const base = new URL(options.base).href.replace(/\/+$/, "");
  const bounded = boundedConcurrency(maxCalls);
  const usual = { accept: "application/json", ...headers };

  const ask = async (path: string, { token, signal, about, post }: ApiCall): Promise<Response> => {
    const headers = { ...usual, authorization: `Bearer ${token.reveal()}` };
    const posted = {
      method: "POST",
      body: JSON.stringify(post),
      headers: { ...headers, "content-type": "application/json" },
    };
    const init = post === undefined ? { headers } : posted;
    const response = await bounded(() => fetch(base + path, { ...init, signal }));
    await mustNotRefuse(response, `${what}: ${about}`, ended);
    return response;
  };

  /** A link of the vendor's as a path below `base`. */
  const below = (url: URL): string => {
    if (!url.href.startsWith(`${base}/`)) throw new BadAnswerError(`${what}: a listing goes on outside of ${base}`);
    return url.href.slice(base.length);
  };

  const ours = (next: string): string =>
    official !== undefined && next.startsWith(`${official}/`) ? base + next.slice(official.length) : next;

  return {
    ask,
    get: async (path, schema, call) => readJson(await ask(path, call), schema, `${what}: ${call.about}`),
    list: (path, call, read) =>
      paginate(new URL(base + path), async (at) => {
        const page = await read(await ask(below(at), call), at);
        return page.next === undefined ? page : { ...page, next: ours(page.next) };
      }),
    each: (items, work) => mapBounded(items, maxCallsOfOne, work),
  };
}

/** @throws As {@link VendorApi.ask}, for what a status and its headers say at every vendor. */
export async function mustNotRefuse(response: Response, what: string, ended?: RegExp): Promise<void> {
  const { status, headers } = response;
  if (status !== 401 && status !== 403 && status !== 429) return;
  const said = complaintIn(await response.clone().text());
  const message = `${what}: status ${status}${said === "" ? "" : `: ${said}`}`;
  if (status === 401) throw new TokenRejectedError(message);
  const isSpent = [headers.get("x-ratelimit-remaining"), headers.get("ratelimit-remaining")].includes("0");
  if (status === 429 || isSpent || headers.has("retry-after") || /rate limit/i.test(said)) {
    throw new UnavailableError(what, `${message}${untilWhen(headers)}`);
  }
  if (ended?.test(said)) throw new AccountEndedError(message);
}

const reset = z.coerce.number().int().min(0).max(9_999_999_999);

/** When calls are taken again, as far as the vendor says it. RFC 9110 §10.2.3; GitHub's and GitLab's headers. */
function untilWhen(headers: Headers): string {
  const wait = headers.get("retry-after");
  if (wait !== null && /^\d{1,9}$/.test(wait)) return `; again in ${wait} s`;
  const at = reset.safeParse(headers.get("x-ratelimit-reset") ?? headers.get("ratelimit-reset"));
  return at.success && at.data > 0 ? `; again at ${new Date(at.data * 1000).toISOString()}` : "";
}
