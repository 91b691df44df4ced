import { z } from "zod";
import { BadAnswerError } from "../../kernel/errors.ts";
import type { Logger } from "../../kernel/ports.ts";
import type { Secret } from "../../kernel/secret.ts";
import type { Login } from "../contract.ts";
import { filterGroups } from "../shared/filter-groups.ts";
import { nextLink } from "../shared/paginate.ts";
import { readJson } from "../shared/read-json.ts";
import type { VendorApi } from "../shared/vendor-api.ts";
import type { GithubConfig } from "./config.ts";

/** Organizations and teams of one person. */
export interface Memberships {
  readonly groups: readonly string[];
  /** Whether they are in what `orgs` or `org` asks for; true where nothing is. */
  readonly isAllowed: boolean;
}

export interface GroupsContext {
  readonly api: VendorApi;
  readonly config: GithubConfig;
  readonly logger: Logger;
}

/** Whom we ask about. */
interface Person {
  readonly token: Secret;
  readonly signal: AbortSignal;
  readonly login: string;
}

const open: Memberships = { groups: [], isAllowed: true };

export async function readMemberships(
  loginName: string,
  token: Secret,
  { scopes, signal }: Login,
  context: GroupsContext,
): Promise<Memberships> {
  const { config } = context;
  const person = { token, signal, login: loginName };
  if (config.orgs.length > 0) return ofOrgs(person, context);
  if (config.org !== "") return ofOldOrg(person, context);
  if (!config.loadAllGroups || !scopes.groups) return open;
  const [orgs, teams] = await Promise.all([readOrgs(person, context), readTeams(person, context)]);
  const groups = orgs.flatMap((org) => [org, ...namesIn(teams, org, config).map((team) => `${org}:${team}`)]);
  return { groups, isAllowed: true };
}

/** Of each organization that the person is in: its teams, and those of the list where there is one. */
async function ofOrgs(person: Person, context: GroupsContext): Promise<Memberships> {
  const { api, config } = context;
  const inside = await api.each(config.orgs, ({ name }) => isMember(name, person, context));
  const mine = config.orgs.filter((_, index) => inside[index]);
  const teams = mine.length === 0 ? [] : await readTeams(person, context);
  const found = mine.map(({ name, teams: wanted }) => {
    const all = namesIn(teams, name, config);
    const names = wanted.length === 0 ? all : filterGroups(all, wanted);
    return { name, names, isAllowed: wanted.length === 0 || names.length > 0 };
  });
  // compat(dex): the organization's name as it is configured, whatever its case over there.
  const groups = found.flatMap(({ name, names, isAllowed }) => [
    ...(config.includeOrgs && isAllowed ? [name] : []),
    ...names.map((team) => `${name}:${team}`),
  ]);
  return { groups, isAllowed: found.some(({ isAllowed }) => isAllowed) };
}

/** compat(dex): team names alone. That `org` is required is what Dex says of it, and does not do. */
async function ofOldOrg(person: Person, context: GroupsContext): Promise<Memberships> {
  const { org, insecureIgnoreOrg } = context.config;
  const [isInside, teams] = await Promise.all([
    insecureIgnoreOrg || isMember(org, person, context),
    readTeams(person, context),
  ]);
  return { groups: namesIn(teams, org, context.config), isAllowed: isInside };
}

async function isMember(
  org: string,
  { token, signal, login }: Person,
  { api, logger }: GroupsContext,
): Promise<boolean> {
  const path = `/orgs/${encodeURIComponent(org)}/members/${encodeURIComponent(login)}`;
  const response = await api.ask(path, { token, signal, about: "get organization member" });
  if (response.status === 204) return true;
  if (response.status === 404) return false;
  const sso = singleSignOnPage(response);
  if (response.status === 403 && sso !== undefined) {
    logger.warn("github: the organization wants its own single sign-on before it says who is a member", { org, sso });
    return false;
  }
  throw new BadAnswerError(`github: unexpected return status: "${response.status}"`);
}

/** Without its query, which is good for one person. https://docs.github.com/rest/authentication */
function singleSignOnPage({ headers }: Response): string | undefined {
  const page = URL.parse(/url=([^;\s]+)/.exec(headers.get("x-github-sso") ?? "")?.[1] ?? "");
  return page === null ? undefined : page.origin + page.pathname;
}

const orgEntry = z.object({ login: z.string() });
const teamEntry = z.object({ name: z.string(), slug: z.string(), organization: orgEntry });
type Team = z.output<typeof teamEntry>;

async function readOrgs(person: Person, context: GroupsContext): Promise<readonly string[]> {
  const orgs = await readAll("/user/orgs", orgEntry, "get orgs", person, context);
  return orgs.map(({ login }) => login);
}

const readTeams = (person: Person, context: GroupsContext): Promise<readonly Team[]> =>
  readAll("/user/teams", teamEntry, "get teams", person, context);

const readAll = <T>(
  path: string,
  entry: z.ZodType<T>,
  about: string,
  { token, signal }: Person,
  { api, logger }: GroupsContext,
): Promise<readonly T[]> =>
  api.list(`${path}?per_page=100`, { token, signal, about }, async (response) => {
    if ((response.headers.get("x-github-sso") ?? "").startsWith("partial-results")) {
      logger.warn("github: organizations with single sign-on left themselves out of a listing", { path });
    }
    return { items: await readJson(response, z.array(entry), `github: ${about}`), next: nextLink(response) };
  });

/** Names of the person's teams in one organization. Over there names have no case. */
function namesIn(teams: readonly Team[], org: string, { teamNameField }: GithubConfig): readonly string[] {
  const wanted = org.toLowerCase();
  return teams
    .filter(({ organization }) => organization.login.toLowerCase() === wanted)
    .flatMap(({ name, slug }) => {
      if (teamNameField === "slug") return [slug];
      return teamNameField === "both" ? [name, slug] : [name];
    });
}
