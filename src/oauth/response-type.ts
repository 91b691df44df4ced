/** What `/auth` can be asked to return. OAuth 2.0 Multiple Response Types §3, §5. */
export type ResponseType = "code" | "id_token" | "token";

const all: ReadonlySet<string> = new Set<ResponseType>(["code", "id_token", "token"]);

export const isResponseType = (text: string): text is ResponseType => all.has(text);

/** How the answer travels. OAuth 2.0 Multiple Response Types §2.1, Form Post Response Mode §2. */
export type ResponseMode = "query" | "fragment" | "form_post";

export const responseModes: readonly ResponseMode[] = ["query", "fragment", "form_post"];

export const isResponseMode = (text: string): text is ResponseMode => responseModes.some((mode) => mode === text);

/** Whether tokens themselves come through the browser, where logs and referrers would keep what a query holds. */
export const isFrontChannel = (types: readonly string[]): boolean =>
  types.includes("token") || types.includes("id_token");

/** The mode of `types` where the request names none. */
export const defaultResponseMode = (types: readonly string[]): ResponseMode =>
  isFrontChannel(types) ? "fragment" : "query";

/** The combinations that make sense; `token` alone does not: OIDC Core §3 has no such flow. */
const combinations = ["code", "code id_token", "code id_token token", "code token", "id_token", "id_token token"];

/** Whether `types` may be asked for: each is configured by itself, or just this combination is. */
const isServed = (types: readonly string[], configured: readonly string[]): boolean =>
  types.every((type) => isEnabled(type, types, configured));

/** Whether `type` may be asked for as a part of `asked`. */
export function isEnabled(type: string, asked: readonly string[], configured: readonly string[]): boolean {
  return configured.includes(type) || configured.some((entry) => inOrder(entry.split(" ")) === inOrder(asked));
}

const inOrder = (types: readonly string[]): string => [...new Set(types)].sort().join(" ");

/** Every `response_type` that is answered, given the configured words and combinations. */
export const servedResponseTypes = (configured: readonly string[]): readonly string[] =>
  combinations.filter((combination) => isServed(combination.split(" "), configured));
