/** Scopes as clients ask for them: OIDC Core §5.4, §11, and Dex's `groups`, `federated:id` and cross-client audiences. */
export const scopes = {
  openid: "openid",
  email: "email",
  profile: "profile",
  groups: "groups",
  offlineAccess: "offline_access",
  federatedId: "federated:id",
} as const;

const audiencePrefix = "audience:server:client_id:";
const known: ReadonlySet<string> = new Set(Object.values(scopes));

/** The scopes of a space-delimited list, each once, extra white space tolerated. RFC 6749 §3.3. */
export function parseScope(text: string): readonly string[] {
  // A megabyte of one word over and over would be stored with a device's request.
  return [...new Set(text.split(/\s+/).filter((scope) => scope !== ""))];
}

/** The scope that asks for the audience of `clientId`. */
export const audienceScope = (clientId: string): string => audiencePrefix + clientId;

/** The client whose audience `scope` asks for; undefined for any other scope. */
function audienceOf(scope: string): string | undefined {
  return scope.startsWith(audiencePrefix) ? scope.slice(audiencePrefix.length) : undefined;
}

/** The clients of every audience scope, in the order of the request. */
export function audiencesOf(requested: readonly string[]): readonly string[] {
  return requested.flatMap((scope) => audienceOf(scope) ?? []);
}

/** The scopes we have no meaning for. */
export function unknownScopes(requested: readonly string[]): readonly string[] {
  return requested.filter((scope) => !known.has(scope) && audienceOf(scope) === undefined);
}

/** `["a" "b"]`: how Dex prints a list in an error. compat(dex): Go's %q. */
export function quoteList(values: readonly string[]): string {
  return `[${values.map(quote).join(" ")}]`;
}

/** A Go-quoted string, as Dex puts it into error descriptions. */
export function quote(value: string): string {
  return JSON.stringify(value)
    .replace(/\\b/g, "\\b")
    .replace(/[\u007f-\u009f\u2028\u2029\ufeff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
