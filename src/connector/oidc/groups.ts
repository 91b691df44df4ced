import { RE2JS } from "re2js";
import type { Claims } from "../shared/claims.ts";
import { filterGroups } from "../shared/filter-groups.ts";
import type { OidcConfig } from "./config.ts";

/** The groups, or undefined for a person who is in none of the allowed ones. */
export type ReadGroups = (claims: Claims) => readonly string[] | undefined;

/**
 * The groups of a person, step by step as Dex takes them: from the claim, filtered, reduced to the allowed ones, renamed,
 * and then those made of other claims. compat(dex): connector/oidc/oidc.go, whose order matters.
 */
export function groupReader(config: OidcConfig): ReadGroups {
  const { insecureEnableGroups, insecureIgnoreAllowedGroups, allowedGroups, claimModifications } = config;
  const { modifyGroupNames, newGroupFromClaims, filterGroupClaims } = claimModifications;
  const pattern = filterGroupClaims.groupsFilter === "" ? undefined : RE2JS.compile(filterGroupClaims.groupsFilter);
  const isKept = (group: string): boolean => pattern === undefined || pattern.matcher(group).find();
  const isRestricted = allowedGroups.length > 0 && (insecureEnableGroups || !insecureIgnoreAllowedGroups);

  return (claims) => {
    let groups: readonly string[] = insecureEnableGroups || isRestricted ? groupsIn(claims, config, isKept) : [];
    if (isRestricted) {
      groups = filterGroups(groups, allowedGroups);
      if (groups.length === 0) return undefined;
    }
    const named = insecureEnableGroups
      ? groups.map((group) => modifyGroupNames.prefix + group + modifyGroupNames.suffix)
      : [];
    return [...named, ...newGroupFromClaims.flatMap((rule) => groupFrom(claims, rule))];
  };
}

function groupsIn(claims: Claims, config: OidcConfig, isKept: (group: string) => boolean): readonly string[] {
  const mapped = config.claimMapping.groups;
  const isMapped = mapped !== "" && (config.overrideClaimMapping || !Array.isArray(claims.get("groups")));
  const key = isMapped ? mapped : "groups";
  const value = claims.get(key);
  // compat(dex): one group as text passes the filter whatever it is called.
  if (typeof value === "string") return [value];
  if (!Array.isArray(value)) return [];
  return value.flatMap((member: unknown) => {
    const name = typeof member === "string" ? member : nameOf(member, key);
    return name !== undefined && isKept(name) ? [name] : [];
  });
}

/** compat(dex): a group may be an object with a `name`; one without is no group. */
function nameOf(member: unknown, key: string): string | undefined {
  if (typeof member !== "object" || member === null || Array.isArray(member)) {
    throw new Error(`malformed "${key}" claim`);
  }
  const name = Object.hasOwn(member, "name") ? Reflect.get(member, "name") : undefined;
  return typeof name === "string" ? name : undefined;
}

type Rule = OidcConfig["claimModifications"]["newGroupFromClaims"][number];

function groupFrom(claims: Claims, { claims: names, delimiter, clearDelimiter, prefix }: Rule): readonly string[] {
  const values = names.flatMap((name) => {
    const value = claims.get(name);
    if (typeof value !== "string") return [];
    return [clearDelimiter && delimiter !== "" ? value.replaceAll(delimiter, "") : value];
  });
  return values.length === 0 ? [] : [[prefix, ...values].join(delimiter)];
}
