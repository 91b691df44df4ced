import type { Route } from "./contract.ts";

export interface RouteMatch {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

/** A path as sent, with its escapes, to its route. */
export type RouteTable = (path: string) => RouteMatch | undefined;

interface Pattern {
  readonly route: Route;
  readonly segments: readonly string[];
}

const noParams: Readonly<Record<string, string>> = Object.freeze({});
const parameter = /^\{([a-zA-Z]+)\}$/;

/**
 * Matches as Dex's router does: anchored, case-sensitive, on the escaped path, without cleaning it and without
 * tolerance for a trailing slash. Two spellings of one path are two paths, so a proxy's rule on `/admin` and
 * ours never disagree about `/%61dmin`. The library's router decodes before it matches, hence our own.
 *
 * @throws {TypeError} Two routes have one path.
 */
export function routeTable(issuerPath: string, routes: readonly Route[]): RouteTable {
  const base = issuerPath.replace(/\/+$/, "");
  const fixed = new Map<string, RouteMatch>();
  const patterns: Pattern[] = [];
  const seen = new Set<string>();
  for (const route of routes) {
    const full = route.isAtRoot === true ? route.path : base + route.path || "/";
    const shape = full.replace(/\{[a-zA-Z]+\}/g, "{}");
    if (seen.has(shape)) throw new TypeError(`two routes for ${route.path}`);
    seen.add(shape);
    if (full.includes("{")) patterns.push({ route, segments: full.split("/") });
    else fixed.set(full, { route, params: noParams });
  }
  return (path) => fixed.get(path) ?? matchPattern(patterns, path);
}

function matchPattern(patterns: readonly Pattern[], path: string): RouteMatch | undefined {
  const segments = path.split("/");
  for (const { route, segments: wanted } of patterns) {
    if (wanted.length !== segments.length) continue;
    const params = paramsOf(wanted, segments);
    if (params !== undefined) return { route, params };
  }
  return undefined;
}

function paramsOf(wanted: readonly string[], segments: readonly string[]): Record<string, string> | undefined {
  const params: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    const name = parameter.exec(wanted[index] ?? "")?.[1];
    if (name === undefined) {
      if (wanted[index] !== segment) return undefined;
      continue;
    }
    const value = unescapeOnce(segment);
    if (value === undefined || value === "") return undefined;
    params[name] = value;
  }
  return params;
}

/** Undefined for a bad escape or a NUL. */
export function unescapeOnce(segment: string): string | undefined {
  if (!segment.includes("%")) return segment;
  try {
    const value = decodeURIComponent(segment);
    return value.includes("\0") ? undefined : value;
  } catch {
    return undefined;
  }
}
