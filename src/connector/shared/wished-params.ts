import type { Wishes } from "../contract.ts";

/** What of the client's wishes every OpenID provider understands. OIDC Core §3.1.2.1. */
export const wishedParams = (wishes: Wishes | undefined): Readonly<Record<string, string | undefined>> => ({
  login_hint: wishes?.loginHint,
  ui_locales: listed(wishes?.uiLocales ?? []),
  max_age: wishes?.maxAge?.toString(),
});

/** Undefined leaves the parameter out. */
export const listed = (values: readonly string[]): string | undefined =>
  values.length === 0 ? undefined : values.join(" ");

/** `configured`, and `login` where the client asks for it: then the provider may not stay silent. Undefined: none. */
export function promptWith(configured: string | undefined, wishes: Wishes | undefined): string | undefined {
  if (wishes?.mustProve !== true) return configured;
  const kept = (configured ?? "").split(" ").filter((value) => !["", "none", "login"].includes(value));
  return [...kept, "login"].join(" ");
}
