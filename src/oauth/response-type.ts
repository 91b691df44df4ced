/** What `/auth` can be asked to return. OAuth 2.0 Multiple Response Types §3, §5. */
export type ResponseType = "code" | "id_token" | "token";

const all: ReadonlySet<string> = new Set<ResponseType>(["code", "id_token", "token"]);

export const isResponseType = (text: string): text is ResponseType => all.has(text);

/** How the answer travels: in the query only when nothing but a code is returned. OAuth 2.0 Multiple Response Types §2.1. */
export type ResponseMode = "query" | "fragment";

/** The default mode of `types`: tokens never go into a query, where logs and referrers would keep them. */
export function defaultResponseMode(types: readonly string[]): ResponseMode {
  return types.includes("token") || types.includes("id_token") ? "fragment" : "query";
}
