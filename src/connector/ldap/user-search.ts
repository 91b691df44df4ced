import type { Identity } from "../contract.ts";
import { firstText } from "./entry-text.ts";
import type { UserMatcher } from "./group-search.ts";
import type { LdapSettings } from "./schema.ts";
import type { LdapConnection } from "./wire/connection.ts";
import { escapeFilterValue } from "./wire/escape.ts";
import { parseFilter } from "./wire/filter.ts";
import type { Entry } from "./wire/message.ts";

export interface UserSearch {
  readonly baseDn: string;
  readonly filter: string;
  readonly scope: "one" | "sub";
  readonly usernameAttrs: readonly string[];
  readonly idAttr: string;
  readonly emailAttr: string;
  readonly nameAttr: string;
  readonly preferredUsernameAttr: string;
  readonly emailSuffix: string;
}

export const userSearchOf = ({ userSearch }: LdapSettings): UserSearch => ({
  baseDn: userSearch.baseDN,
  filter: userSearch.filter,
  scope: userSearch.scope === "one" ? "one" : "sub",
  usernameAttrs: [userSearch.username].flat().filter((name) => name !== ""),
  // Dex's documentation names these defaults, and its code has none: nobody could log in.
  idAttr: userSearch.idAttr || "uid",
  emailAttr: userSearch.emailAttr || "mail",
  nameAttr: userSearch.nameAttr,
  preferredUsernameAttr: userSearch.preferredUsernameAttr,
  emailSuffix: userSearch.emailSuffix,
});

/** The one entry that `username` names, undefined when there is none. @throws {Error} There are several. */
export async function findUser(
  connection: LdapConnection,
  search: UserSearch,
  matchers: readonly UserMatcher[],
  username: string,
  signal: AbortSignal,
): Promise<Entry | undefined> {
  const filter = userFilter(search, username);
  const request = {
    base: search.baseDn,
    scope: search.scope,
    filter: parseFilter(filter),
    attributes: attributesOf(search, matchers),
    // One more than we want, so that a second one is noticed.
    sizeLimit: 2,
  };
  const entries = await connection.search(request, signal);
  if (entries.length > 1) throw new Error(`ldap: filter returned multiple (${entries.length}) results: "${filter}"`);
  return entries[0];
}

/** compat(dex): attribute names and `filter` are pasted as they are, so that matching rules can be written there. */
export function userFilter({ usernameAttrs, filter }: UserSearch, username: string): string {
  const value = escapeFilterValue(username);
  const each = usernameAttrs.map((attribute) => `(${attribute}=${value})`);
  const named = each.length === 1 ? each.join("") : `(|${each.join("")})`;
  return filter === "" ? named : `(&${filter}${named})`;
}

function attributesOf(search: UserSearch, matchers: readonly UserMatcher[]): readonly string[] {
  const { idAttr, emailAttr, usernameAttrs, nameAttr, preferredUsernameAttr } = search;
  const matched = matchers.map(({ userAttr }) => userAttr);
  const names = [idAttr, emailAttr, ...usernameAttrs, ...matched, nameAttr, preferredUsernameAttr];
  return [...new Set(names)].filter((name) => name !== "" && name.toLowerCase() !== "dn");
}

/** What the entry says about the person. @throws {Error} A configured attribute is missing. */
export function identityOf(entry: Entry, search: UserSearch): Identity {
  const missing: string[] = [];
  const wanted = (name: string): string => {
    const value = firstText(entry, name);
    if (value === "") missing.push(name);
    return value;
  };
  const userId = wanted(search.idAttr);
  const username = search.nameAttr === "" ? "" : wanted(search.nameAttr);
  const preferredUsername = search.preferredUsernameAttr === "" ? undefined : wanted(search.preferredUsernameAttr);
  // compat(dex): the name, where its documentation says the id (connector/ldap/ldap.go, identityFromEntry).
  const email = search.emailSuffix === "" ? wanted(search.emailAttr) : `${username}@${search.emailSuffix}`;
  if (missing.length > 0) {
    const names = missing.map((name) => JSON.stringify(name)).join(" ");
    throw new Error(`ldap: entry "${entry.dn}" missing following required attribute(s): [${names}]`);
  }
  return {
    userId,
    username,
    ...(preferredUsername === undefined ? {} : { preferredUsername }),
    email,
    emailVerified: true,
    groups: [],
  };
}
