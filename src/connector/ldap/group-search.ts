import type { Logger } from "../../kernel/ports.ts";
import { normalDn } from "./dn.ts";
import { firstText, valuesOf } from "./entry-text.ts";
import type { LdapSettings } from "./schema.ts";
import type { LdapConnection } from "./wire/connection.ts";
import { codes, LdapResultError } from "./wire/errors.ts";
import { escapeFilterValue } from "./wire/escape.ts";
import { parseFilter } from "./wire/filter.ts";
import { type Entry, oids } from "./wire/message.ts";

/** Each value of `userAttr` is looked for in `groupAttr`. */
export interface UserMatcher {
  readonly userAttr: string;
  readonly groupAttr: string;
  /** Empty: only direct groups. */
  readonly recursionGroupAttr: string;
}

export interface GroupSearch {
  readonly baseDn: string;
  readonly filter: string;
  readonly scope: "one" | "sub";
  readonly nameAttr: string;
  readonly matchers: readonly UserMatcher[];
  readonly useInChainRule: boolean;
}

export function groupSearchOf({ groupSearch }: LdapSettings, logger: Logger): GroupSearch {
  const { userMatchers, userAttr, groupAttr, recursionGroupAttr } = groupSearch;
  // compat(dex): the first one alone decides whether the list counts (connector/ldap/ldap.go, userMatchers).
  const usesList = (userMatchers[0]?.userAttr ?? "") !== "";
  if (!usesList && (userAttr !== "" || groupAttr !== "")) {
    logger.warn('use "groupSearch.userMatchers" option instead of "userAttr/groupAttr" fields', { deprecated: true });
  }
  const matchers = usesList ? userMatchers : [{ userAttr, groupAttr, recursionGroupAttr }];
  return {
    baseDn: groupSearch.baseDN,
    filter: groupSearch.filter,
    scope: groupSearch.scope === "one" ? "one" : "sub",
    nameAttr: groupSearch.nameAttr,
    matchers: matchers.filter((matcher) => matcher.userAttr !== "" && matcher.groupAttr !== ""),
    useInChainRule: groupSearch.matchingRuleInChain,
  };
}

/** Below the 1000 that Active Directory gives at once. */
const pageSize = 500;
/** Names in one filter: few enough for any server's limit, many enough to ask once per level. */
const batchSize = 50;
/** Nobody is in more; a directory that says so is broken. */
const maxGroups = 50_000;

/**
 * The names of the person's groups, in the server's order. Direct groups keep their doubles, as Dex does; a walk
 * through nested groups visits each group once and names each name once.
 */
export async function findGroups(
  connection: LdapConnection,
  search: GroupSearch,
  user: Entry,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (search.baseDn === "") return [];
  const names: string[] = [];
  const walk = new GroupWalk(connection, search, signal);
  for (const matcher of search.matchers) {
    const values = valuesOf(user, matcher.userAttr);
    if (matcher.recursionGroupAttr === "") names.push(...(await walk.direct(matcher, values)));
    else names.push(...(await walk.nested(matcher, values, new Set(names))));
    if (names.length > maxGroups) throw new Error(`ldap: "${user.dn}" is in more than ${maxGroups} groups`);
  }
  return names;
}

class GroupWalk {
  readonly #connection: LdapConnection;
  readonly #search: GroupSearch;
  readonly #signal: AbortSignal;

  constructor(connection: LdapConnection, search: GroupSearch, signal: AbortSignal) {
    this.#connection = connection;
    this.#search = search;
    this.#signal = signal;
  }

  async direct({ groupAttr }: UserMatcher, values: readonly Buffer[]): Promise<readonly string[]> {
    const names: string[] = [];
    for (const value of values) {
      for (const group of await this.#find(equals(groupAttr, value))) names.push(this.#nameOf(group));
    }
    return names;
  }

  /** Level by level. A group is known by its DN: two may have one name, and both have parents. */
  async nested(
    matcher: UserMatcher,
    values: readonly Buffer[],
    known: ReadonlySet<string>,
  ): Promise<readonly string[]> {
    if (await this.#mayUseInChain(matcher)) return this.#inChain(matcher, values, known);
    const named = new Set(known);
    const visited = new Set<string>();
    let filters = values.map((value) => equals(matcher.groupAttr, value));
    while (filters.length > 0) {
      const level: Entry[] = [];
      for (const filter of inBatches(filters)) {
        for (const group of await this.#find(filter)) {
          const key = normalDn(group.dn);
          if (visited.has(key)) continue;
          visited.add(key);
          named.add(this.#nameOf(group));
          level.push(group);
        }
      }
      if (visited.size > maxGroups) throw new Error(`ldap: more than ${maxGroups} nested groups`);
      filters = level.map(({ dn }) => equals(matcher.recursionGroupAttr, dn));
    }
    return [...named].slice(known.size);
  }

  async #inChain(
    { groupAttr }: UserMatcher,
    values: readonly Buffer[],
    known: ReadonlySet<string>,
  ): Promise<readonly string[]> {
    const named = new Set(known);
    for (const value of values) {
      const filter = equals(`${groupAttr}:${oids.matchingRuleInChain}:`, value);
      for (const group of await this.#find(filter)) named.add(this.#nameOf(group));
    }
    return [...named].slice(known.size);
  }

  /** Elsewhere the rule is unknown, and matches nothing without a word. */
  async #mayUseInChain({ groupAttr, recursionGroupAttr }: UserMatcher): Promise<boolean> {
    if (!this.#search.useInChainRule || groupAttr.toLowerCase() !== recursionGroupAttr.toLowerCase()) return false;
    const [root] = await this.#connection.search(
      {
        base: "",
        scope: "base",
        filter: parseFilter("(objectClass=*)"),
        attributes: ["supportedCapabilities"],
        sizeLimit: 0,
      },
      this.#signal,
    );
    const capabilities = root === undefined ? [] : valuesOf(root, "supportedCapabilities");
    return capabilities.some((value) => value.toString() === oids.activeDirectory);
  }

  async #find(condition: string): Promise<readonly Entry[]> {
    const { baseDn, scope, filter, nameAttr } = this.#search;
    const request = {
      base: baseDn,
      scope,
      filter: parseFilter(filter === "" ? condition : `(&${filter}${condition})`),
      // "1.1": no attribute at all, where the name is the DN. RFC 4511 §4.5.1.8.
      attributes: [nameAttr.toLowerCase() === "dn" || nameAttr === "" ? "1.1" : nameAttr],
      sizeLimit: 0,
      pageSize,
    };
    try {
      return await this.#connection.search(request, this.#signal);
    } catch (error) {
      // compat(dex): no such base means no groups, not a broken login.
      if (error instanceof LdapResultError && error.code === codes.noSuchObject) return [];
      throw error;
    }
  }

  #nameOf(group: Entry): string {
    const { nameAttr } = this.#search;
    const name = firstText(group, nameAttr);
    if (name === "")
      throw new Error(`ldap: group entity "${group.dn}" missing required attribute ${JSON.stringify(nameAttr)}`);
    return name;
  }
}

const equals = (attribute: string, value: string | Uint8Array): string => `(${attribute}=${escapeFilterValue(value)})`;

/** Several conditions as one: any of them. */
function inBatches(filters: readonly string[]): readonly string[] {
  const batches: string[] = [];
  for (let at = 0; at < filters.length; at += batchSize) {
    const batch = filters.slice(at, at + batchSize);
    batches.push(batch.length === 1 ? batch.join("") : `(|${batch.join("")})`);
  }
  return batches;
}
