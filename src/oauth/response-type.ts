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
