/**
 * What the fakes of vendors have in common: an OAuth 2.0 server and an API that wants its bearer token, answers by a table
 * of routes, counts how many calls it serves at once, and misbehaves on cue.
 */
import type { ServerResponse } from "node:http";
import { type FakeOAuth2, type FakeOAuth2Options, type Grant, startFakeOAuth2 } from "./oauth2.ts";
import type { Heard } from "./spoiled.ts";

export interface ApiAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON text, or what becomes it. */
  readonly body?: unknown;
}

export interface ApiCall {
  readonly heard: Heard;
  /** The parts of the path that `:name` stands for in the route, decoded. */
  readonly part: (name: string) => string;
  /** Whose token it is. */
  readonly person: string;
}

export interface FakeVendorOptions extends FakeOAuth2Options {
  /** `GET /user/:id`, for whoever has a token. */
  readonly routes: (fake: FakeVendor) => Readonly<Record<string, (call: ApiCall) => ApiAnswer>>;
  /** The same for those who need none: they check the client themselves. */
  readonly openRoutes?: (fake: FakeVendor) => Readonly<Record<string, (call: Omit<ApiCall, "person">) => ApiAnswer>>;
  /** What a token that is none gets. */
  readonly unauthorized: ApiAnswer;
}

export interface FakeVendor extends FakeOAuth2 {
  /** The most API calls that it has been asked at once. */
  readonly mostAtOnce: number;
  /** Milliseconds that each API call takes. */
  latency: number;
  /** A token of `person` that was issued to another application. */
  strangeToken(person: string): string;
  /** The application that a live token was issued to; undefined: it is no token. */
  applicationOf(token: string): { readonly person: string; readonly clientId: string } | undefined;
  /** How many calls there were of `method path`. */
  count(method: string, path: string): number;
}

export async function startFakeVendor({
  routes,
  openRoutes,
  unauthorized,
  ...options
}: FakeVendorOptions): Promise<FakeVendor> {
  const oauth = await startFakeOAuth2(options);
  const strange = new Map<string, string>();
  let now = 0;
  let most = 0;

  const fake: FakeVendor = Object.assign(oauth, {
    latency: 0,
    strangeToken(person: string) {
      const token = `strange-${strange.size}-${person}`;
      strange.set(token, person);
      return token;
    },
    applicationOf(token: string) {
      const person = strange.get(token);
      if (person !== undefined) return { person, clientId: "another-application" };
      const grant: Grant | undefined = oauth.grantOf(token);
      return grant && { person: grant.person, clientId: oauth.clientId };
    },
    count: (method: string, path: string) =>
      oauth.heard.filter((one) => one.method === method && one.path === path).length,
    mostAtOnce: 0,
  });
  Object.defineProperty(fake, "mostAtOnce", { get: () => most });

  const known = compile(routes(fake));
  const open = compile(openRoutes?.(fake) ?? {});

  oauth.handler = async (heard, response) => {
    const free = find(open, heard);
    const route = find(known, heard);
    if (free === undefined && route === undefined) return false;
    now++;
    most = Math.max(most, now);
    try {
      if (fake.latency > 0) await new Promise((resolve) => setTimeout(resolve, fake.latency));
      const issued = fake.applicationOf(heard.headers.authorization?.replace(/^Bearer /, "") ?? "");
      if (free !== undefined) send(response, free.answer({ heard, part: free.part }));
      else if (route !== undefined) {
        send(response, issued ? route.answer({ heard, part: route.part, person: issued.person }) : unauthorized);
      }
    } finally {
      now--;
    }
    return true;
  };
  return fake;
}

interface Route<Call> {
  readonly method: string;
  readonly pattern: RegExp;
  readonly answer: (call: Call) => ApiAnswer;
}

const compile = <Call>(table: Readonly<Record<string, (call: Call) => ApiAnswer>>): readonly Route<Call>[] =>
  Object.entries(table).map(([name, answer]) => {
    const [method = "", path = ""] = name.split(" ");
    return { method, pattern: new RegExp(`^${path.replace(/:(\w+)/g, "(?<$1>[^/]+)")}$`), answer };
  });

function find<Call>(routes: readonly Route<Call>[], { method, path }: Heard) {
  for (const route of routes) {
    const found = route.method === method ? route.pattern.exec(path) : null;
    if (found !== null)
      return { answer: route.answer, part: (name: string) => decodeURIComponent(found.groups?.[name] ?? "") };
  }
  return undefined;
}

function send(response: ServerResponse, { status = 200, headers = {}, body }: ApiAnswer): void {
  const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(text);
}

/** Whether `Authorization: Basic` names our client. */
export function isBasicOf({ clientId, clientSecret }: FakeOAuth2, { headers }: Heard): boolean {
  return headers.authorization === `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}`;
}

/** One page of `items`, as `page` and `size` in the query ask for it. */
export function pageOf<T>(items: readonly T[], query: URLSearchParams, size: string, usual: number, most: number) {
  const count = Math.min(Number(query.get(size) ?? usual), most);
  const page = Math.max(1, Number(query.get("page") ?? 1));
  return {
    page,
    pages: Math.max(1, Math.ceil(items.length / count)),
    count,
    items: items.slice((page - 1) * count, page * count),
  };
}
