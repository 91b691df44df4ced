import { z } from "zod";
import { BadAnswerError } from "../../kernel/errors.ts";
import type { Secret } from "../../kernel/secret.ts";
import { looseText, numericId } from "../shared/json.ts";
import { readJson } from "../shared/read-json.ts";
import type { VendorApi } from "../shared/vendor-api.ts";
import type { GitlabConfig } from "./config.ts";

/** Whose groups, and what asks for them. */
interface Person {
  readonly userId: string;
  readonly token: Secret;
  readonly signal: AbortSignal;
}

/** Paths, and after all of them the roles where they are wanted. compat(dex): in this order. */
export async function readGroups(
  person: Person,
  api: VendorApi,
  { inheritedGroups, getGroupsPermission }: GitlabConfig,
): Promise<readonly string[]> {
  if (!inheritedGroups) {
    const info = await readUserInfo(person, api);
    return getGroupsPermission ? [...info.groups, ...rolesIn(info, info.groups)] : info.groups;
  }
  if (!getGroupsPermission) return (await readInherited(person, api)).map(({ path }) => path);
  const [groups, info] = await Promise.all([readInherited(person, api), readUserInfo(person, api)]);
  const paths = groups.map(({ path }) => path);
  const unknown = groups.filter(({ path }) => roleIn(info, path) === undefined);
  const asked = await api.each(unknown, async ({ id, path }) => {
    const role = await readRole(id, person, api);
    return role === undefined ? [] : [`${path}:${role}`];
  });
  return [...paths, ...rolesIn(info, paths), ...asked.flat()];
}

const paths = z
  .array(z.string())
  .nullish()
  .transform((value) => value ?? []);
const claim = "https://gitlab.org/claims/groups/";
const userInfoAnswer = z
  .object({ groups: paths, [`${claim}owner`]: paths, [`${claim}maintainer`]: paths, [`${claim}developer`]: paths })
  .transform(({ groups, ...claims }) => ({
    groups,
    /** The strongest first. */
    roles: (["owner", "maintainer", "developer"] as const).map((role) => ({
      role,
      paths: new Set(claims[`${claim}${role}`]),
    })),
  }));
type UserInfo = z.output<typeof userInfoAnswer>;

const readUserInfo = ({ token, signal }: Person, api: VendorApi): Promise<UserInfo> =>
  api.get("/oauth/userinfo", userInfoAnswer, { token, signal, about: "get groups" });

/** A role in a group is one in those below it. */
function roleIn({ roles }: UserInfo, path: string): string | undefined {
  const above = path.split("/").map((_, index, parts) => parts.slice(0, index + 1).join("/"));
  return roles.find(({ paths }) => above.some((one) => paths.has(one)))?.role;
}

const rolesIn = (info: UserInfo, groups: readonly string[]): readonly string[] =>
  groups.flatMap((path) => {
    const role = roleIn(info, path);
    return role === undefined ? [] : [`${path}:${role}`];
  });

const groupEntry = z
  .object({ id: numericId, full_path: looseText, path: looseText })
  .transform(({ id, full_path, path }) => ({ id, path: full_path || path }));
type Group = z.output<typeof groupEntry>;

const pageSize = 100;

/** https://docs.gitlab.com/api/groups/#list-groups: until a page is not full. */
async function readInherited({ token, signal }: Person, api: VendorApi): Promise<readonly Group[]> {
  const about = "get groups";
  const pathOf = (page: number): string => `/api/v4/groups?all_available=false&page=${page}&per_page=${pageSize}`;
  let page = 1;
  const groups = await api.list(pathOf(page), { token, signal, about }, async (response, at) => {
    const items = await readJson(response, z.array(groupEntry), `gitlab: ${about}`);
    if (items.length < pageSize) return { items, next: undefined };
    page++;
    return { items, next: new URL(`?all_available=false&page=${page}&per_page=${pageSize}`, at).href };
  });
  return groups.filter(({ path }) => path !== "");
}

const memberAnswer = z.object({ access_level: z.int() });

/** https://docs.gitlab.com/api/access_requests/#valid-access-levels */
const levels: ReadonlyMap<number, string> = new Map([
  [5, "minimal_access"],
  [10, "guest"],
  [15, "planner"],
  [20, "reporter"],
  [25, "security_manager"],
  [30, "developer"],
  [40, "maintainer"],
  [50, "owner"],
  [60, "admin"],
]);

/** Undefined: none, none that has a name, or GitLab does not tell. */
async function readRole(
  groupId: string,
  { userId, token, signal }: Person,
  api: VendorApi,
): Promise<string | undefined> {
  const about = "get groups";
  const response = await api.ask(`/api/v4/groups/${groupId}/members/all/${userId}`, { token, signal, about });
  if (response.status === 403 || response.status === 404) return undefined;
  if (response.status >= 300 && response.status < 500) {
    throw new BadAnswerError(`gitlab: ${about}: status ${response.status}`);
  }
  return levels.get((await readJson(response, memberAnswer, `gitlab: ${about}`)).access_level);
}
