/** What a scope means for the person who is asked, in plain words. */

import type { Child } from "./html.ts";
import { name } from "./layout.ts";
import type { Words } from "./messages.ts";

export interface ScopeDescription {
  readonly summary: Child;
  readonly detail: Child;
}

const order = ["openid", "profile", "email", "groups", "federated:id", "audience", "other", "offline_access"] as const;
type Family = (typeof order)[number];

/** Adds another client to the audience of the ID token. Dex hides it; a person should know. */
const audiencePrefix = "audience:server:client_id:";

function familyOf(scope: string): Family {
  if (scope.startsWith(audiencePrefix)) return "audience";
  return order.find((family) => family === scope && family !== "audience" && family !== "other") ?? "other";
}

function describe(words: Words, scope: string, peerNames: ReadonlyMap<string, string>): ScopeDescription {
  const say = (key: "openid" | "profile" | "email" | "groups" | "federated" | "offline"): ScopeDescription => ({
    summary: words.text(`scope.${key}`),
    detail: words.text(`scope.${key}.detail`),
  });
  const family = familyOf(scope);
  switch (family) {
    case "federated:id":
      return say("federated");
    case "offline_access":
      return say("offline");
    case "audience": {
      const id = scope.slice(audiencePrefix.length);
      const peer = name(peerNames.get(id) ?? id);
      return { summary: words.rich("scope.audience", { peer }), detail: words.rich("scope.audience.detail", { peer }) };
    }
    case "other":
      return { summary: words.rich("scope.other", { scope: name(scope) }), detail: words.text("scope.other.detail") };
    default:
      return say(family);
  }
}

/** Each scope once, the plain ones first and the lasting one last. */
export function describeScopes(
  words: Words,
  scopes: readonly string[],
  peerNames: ReadonlyMap<string, string>,
): readonly ScopeDescription[] {
  const rank = (scope: string): number => order.indexOf(familyOf(scope));
  return [...new Set(scopes)].sort((a, b) => rank(a) - rank(b)).map((scope) => describe(words, scope, peerNames));
}
