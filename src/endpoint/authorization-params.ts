import { type HttpRequest, MalformedError, PageError, type Params } from "../http/contract.ts";

/** The parameters of `/auth`, from query and body. OIDC Core §3.1.2.1. compat(dex): where both have a name, the body wins. */
export interface MergedParams {
  get(name: string): string | undefined;
  readonly repeated: readonly string[];
  /** Every name once, with its value. */
  entries(): readonly (readonly [string, string])[];
}

/** @throws {PageError} They do not parse. */
export function authorizationParams(request: HttpRequest): MergedParams {
  const sources = readSources(request);
  const counts = new Map<string, number>();
  for (const source of sources)
    for (const name of source.names) counts.set(name, (counts.get(name) ?? 0) + source.all(name).length);
  const get = (name: string): string | undefined => {
    for (const source of sources) {
      const value = source.get(name);
      if (value !== undefined) return value;
    }
    return undefined;
  };
  const repeated: string[] = [];
  // RFC 8707 §2 lets `resource`, alone, be repeated.
  for (const [name, count] of counts) if (count > 1 && name !== "resource") repeated.push(name);
  return { get, repeated, entries: () => [...counts.keys()].map((name) => [name, get(name) ?? ""] as const) };
}

function readSources(request: HttpRequest): readonly Params[] {
  try {
    return request.method === "POST" ? [request.form(), request.query()] : [request.query()];
  } catch (error) {
    if (error instanceof MalformedError) throw new PageError(400, "refusal.unreadable", { cause: error });
    throw error;
  }
}

/** The parameters but those named, sorted, as a query. */
export function queryWithout(params: MergedParams, names: readonly string[]): string {
  const kept = params.entries().filter(([name]) => !names.includes(name));
  return new URLSearchParams(Object.fromEntries(kept.toSorted(([a], [b]) => (a < b ? -1 : 1)))).toString();
}
