import type { HttpAnswer } from "./contract.ts";

export interface CorsPolicy {
  /** Exact origins, or "*". Empty switches CORS off. */
  readonly allowedOrigins: readonly string[];
  readonly allowedHeaders: readonly string[];
}

export interface CorsRequest {
  readonly method: string;
  readonly origin: string | undefined;
  readonly requestMethod: string | undefined;
  readonly requestHeaders: string | undefined;
}

/** Headers to add to what the handler answers, or the whole answer to a preflight. */
export type CorsDecision =
  | { readonly kind: "handle"; readonly allowOrigin: string | undefined }
  | { readonly kind: "answer"; readonly answer: HttpAnswer };

const methods: readonly string[] = ["GET", "HEAD", "POST"];
const simpleHeaders: readonly string[] = ["Accept", "Accept-Language", "Content-Language", "Origin"];

/**
 * Fetch's CORS protocol with Dex's answers to each case, so that no browser client sees a difference.
 * Credentials are never allowed: the endpoints that have CORS read no cookie a page could ride on.
 * `Vary: Origin` is on every answer, also where none is allowed, or a shared cache would hand an answer made
 * for one origin to another. compat(dex): gorilla/handlers cors.go.
 */
export function corsRule(policy: CorsPolicy): (request: CorsRequest) => CorsDecision {
  const allowsAny = policy.allowedOrigins.includes("*");
  const origins = new Set(policy.allowedOrigins);
  const allowed = new Set(policy.allowedHeaders.map(canonical));
  return (request) => {
    const { origin, method } = request;
    const isAllowed = origin !== undefined && origin !== "" && (allowsAny || origins.has(origin));
    const allowOrigin = isAllowed ? (allowsAny ? "*" : origin) : undefined;
    if (method !== "OPTIONS") return { kind: "handle", allowOrigin };
    if (allowOrigin === undefined) return refusal(200);
    if (request.requestMethod === undefined) return refusal(400);
    if (!methods.includes(request.requestMethod)) return refusal(405);
    const asked = wantedHeaders(request.requestHeaders);
    if (!asked.every((name) => allowed.has(name))) return refusal(403);
    return preflight(200, {
      "access-control-allow-origin": allowOrigin,
      ...(asked.length > 0 ? { "access-control-allow-headers": asked.join(",") } : {}),
    });
  };
}

const wantedHeaders = (header: string | undefined): readonly string[] =>
  (header ?? "")
    .split(",")
    .map((name) => canonical(name.trim()))
    .filter((name) => name !== "" && !simpleHeaders.includes(name));

/** `x-requested-with` as `X-Requested-With`. What is no header name stays as it is, as in Go. */
const canonical = (name: string): string =>
  /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)
    ? name.toLowerCase().replace(/(^|-)[a-z]/g, (start) => start.toUpperCase())
    : name;

const preflight = (status: number, headers: Readonly<Record<string, string>>): CorsDecision => ({
  kind: "answer",
  answer: { status, headers, body: "" },
});

const refusal = (status: number): CorsDecision => preflight(status, {});
