import type { Report } from "../contract.ts";
import type { Directory } from "./directory.ts";
import { rawOf } from "./entry-text.ts";
import type { GroupSearch } from "./group-search.ts";
import type { UserSearch } from "./user-search.ts";
import { LdapResultError } from "./wire/errors.ts";
import { parseFilter } from "./wire/filter.ts";

export interface Asked {
  readonly bindDn: string;
  readonly users: UserSearch;
  readonly groups: GroupSearch;
}

/** What a login would meet: the service account's bind, then one entry of each search. @throws {UnavailableError} No server answers. */
export async function diagnoseDirectory(
  directory: Directory,
  asked: Asked,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  const { bindDn, users, groups } = asked;
  try {
    await directory.ask(async () => undefined, signal);
  } catch (error) {
    if (!(error instanceof Error && error.cause instanceof LdapResultError)) throw error;
    // Nothing can be searched as somebody whom the directory does not let in.
    return report.fact("fail", "bind", `as ${bindDn}: ${error.message}`);
  }
  report.fact("pass", "bind", bindDn === "" ? "without a name: the directory is read as anybody" : `as ${bindDn}`);
  const wanted = [...users.usernameAttrs, users.idAttr, users.emailAttr, users.nameAttr].filter((name) => name !== "");
  await diagnoseSearch(directory, { ...users, about: "user search", wanted }, report, signal);
  if (groups.baseDn === "") report.fact("pass", "group search", "none is configured");
  else {
    const members = groups.matchers.map(({ groupAttr }) => groupAttr);
    await diagnoseSearch(
      directory,
      { ...groups, about: "group search", wanted: [groups.nameAttr, ...members] },
      report,
      signal,
    );
  }
}

interface Search {
  readonly about: string;
  readonly baseDn: string;
  readonly filter: string;
  readonly scope: "one" | "sub";
  readonly wanted: readonly string[];
}

async function diagnoseSearch(
  directory: Directory,
  search: Search,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  const { about, baseDn, scope, wanted } = search;
  // The base itself would match anything: an entry that has the first attribute is one of those that are looked for.
  const filter = parseFilter(
    `(&${search.filter || "(objectClass=*)"}(${wanted.find((name) => name.toUpperCase() !== "DN") ?? "objectClass"}=*))`,
  );
  try {
    const [found] = await directory.ask(
      (connection) =>
        connection.search({ base: baseDn, scope, filter, attributes: [...new Set(wanted)], sizeLimit: 1 }, signal),
      signal,
    );
    if (found === undefined) return report.fact("warn", about, `no entry below ${baseDn} matches the filter`);
    const has = new Set(found.attributes.map(({ name }) => name.toLowerCase()));
    const absent = wanted.filter((name) => name.toUpperCase() !== "DN" && !has.has(name.toLowerCase()));
    const text = absent.length === 0 ? "it has every attribute that is read" : `it has no ${absent.join(", ")}`;
    report.fact(absent.length === 0 ? "pass" : "warn", about, `${found.dn}: ${text}; ${rawOf(found)}`);
  } catch (error) {
    if (!(error instanceof LdapResultError)) throw error;
    report.fact("fail", about, `below ${baseDn}: ${error.message}`);
  }
}
