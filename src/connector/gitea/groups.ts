import { z } from "zod";
import type { Secret } from "../../kernel/secret.ts";
import { looseText, numericId } from "../shared/json.ts";
import { readJson } from "../shared/read-json.ts";
import type { VendorApi } from "../shared/vendor-api.ts";
import type { GiteaConfig } from "./config.ts";

/** Organizations and teams of one person. */
export interface Memberships {
  readonly groups: readonly string[];
  /** Whether they are in what `orgs` asks for; true where nothing is. */
  readonly isAllowed: boolean;
}

interface Person {
  readonly token: Secret;
  readonly signal: AbortSignal;
}

/** compat(dex): that a client asks for groups changes nothing. */
export async function readMemberships(person: Person, api: VendorApi, config: GiteaConfig): Promise<Memberships> {
  const { orgs, loadAllGroups, includeOrgs, insecureIgnoreTeams } = config;
  if (orgs.length === 0 && !loadAllGroups) return { groups: [], isAllowed: true };
  const [teams, alone] = await Promise.all([readTeams(person, api), includeOrgs ? readOrgs(person, api) : []]);
  const all = [...new Set([...teams.flatMap(({ org, name }) => [org, `${org}:${name}`]), ...alone])];
  if (orgs.length === 0) return { groups: all, isAllowed: true };
  const wanted = new Set(orgs.flatMap(({ name, teams }) => [name, ...teams.map((team) => `${name}:${team}`)]));
  const groups = all.filter((group) => wanted.has(group));
  const mine = new Set(all);
  const isAllowed = insecureIgnoreTeams
    ? groups.length > 0
    : orgs.some(({ name, teams }) =>
        teams.length === 0 ? mine.has(name) : teams.some((team) => mine.has(`${name}:${team}`)),
      );
  return { groups, isAllowed };
}

const organization = z
  .object({ username: looseText, name: looseText })
  // `username` is the older name of `name`.
  .transform(({ username, name }) => username || name);
const teamEntry = z.object({ id: numericId, name: z.string(), organization: organization.nullish() });
const orgEntry = z.object({ id: numericId, username: looseText, name: looseText });

/** A team whose organization is gone is nobody's. */
async function readTeams(person: Person, api: VendorApi) {
  const teams = await readAll("/api/v1/user/teams", teamEntry, "get teams", person, api);
  return teams.flatMap(({ name, organization: org }) => (org ? [{ name, org }] : []));
}

async function readOrgs(person: Person, api: VendorApi): Promise<readonly string[]> {
  const orgs = await readAll("/api/v1/user/orgs", orgEntry, "get organizations", person, api);
  return orgs.map(({ username, name }) => username || name);
}

/** Until a page is empty, or brings nothing new: some servers take no notice of `page`, and all cap `limit`. */
async function readAll<T extends { readonly id: string }>(
  path: string,
  entry: z.ZodType<T>,
  about: string,
  { token, signal }: Person,
  api: VendorApi,
): Promise<readonly T[]> {
  const seen = new Set<string>();
  let page = 1;
  return api.list(`${path}?page=${page}&limit=50`, { token, signal, about }, async (response, at) => {
    const answer = await readJson(response, z.array(entry).nullish(), `gitea: ${about}`);
    const items = (answer ?? []).filter(({ id }) => !seen.has(id));
    for (const { id } of items) seen.add(id);
    page++;
    return { items, next: items.length === 0 ? undefined : new URL(`?page=${page}&limit=50`, at).href };
  });
}
