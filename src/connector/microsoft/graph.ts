import { z } from "zod";
import { BadAnswerError } from "../../kernel/errors.ts";
import { looseText } from "../shared/json.ts";
import { readJson } from "../shared/read-json.ts";
import type { ApiCall, VendorApi } from "../shared/vendor-api.ts";

/** Microsoft Graph 1.0, as far as a login needs it. */

export type GraphCall = Pick<ApiCall, "token" | "signal">;

const userAnswer = z.object({
  id: z.string().min(1),
  displayName: looseText,
  userPrincipalName: looseText,
  mailNickname: looseText,
  onPremisesSamAccountName: looseText,
  mail: looseText,
});
export type GraphUser = z.infer<typeof userAnswer>;

/** `mail` is asked for where it is wanted, and nothing changes where it is not. */
export function readUser(api: VendorApi, call: GraphCall, wantsMail: boolean): Promise<GraphUser> {
  const fields = ["id", "displayName", "userPrincipalName", "mailNickname", "onPremisesSamAccountName"];
  const select = [...fields, ...(wantsMail ? ["mail"] : [])].join(",");
  return api.get(`/v1.0/me?$select=${select}`, userAnswer, { ...call, about: "get user" });
}

export interface GraphGroup {
  readonly id: string;
  readonly name: string;
}

export interface GroupOptions {
  readonly onlySecurityGroups: boolean;
  /** Where ids are enough, names are not asked for. */
  readonly wantsNames: boolean;
}

/** As many as Graph takes at once. */
const batchSize = 1000;
/** Graph lists at most 11 000 groups of a person in one answer, and says this for more. */
class TooManyGroupsError extends BadAnswerError {}

const idPage = z.object({ value: z.array(z.string()), "@odata.nextLink": looseText });
const groupEntry = z.object({ id: z.string(), displayName: looseText, securityEnabled: z.boolean().nullish() });
const groupPage = z.object({ value: z.array(groupEntry), "@odata.nextLink": looseText });

/** The person's groups, nested ones too. Names in the order that Graph tells them. */
export async function readGroups(
  api: VendorApi,
  call: GraphCall,
  options: GroupOptions,
): Promise<readonly GraphGroup[]> {
  try {
    const ids = await memberGroups(api, call, options.onlySecurityGroups);
    if (!options.wantsNames) return ids.map((id) => ({ id, name: "" }));
    const batches = Array.from({ length: Math.ceil(ids.length / batchSize) }, (_, index) =>
      ids.slice(index * batchSize, (index + 1) * batchSize),
    );
    return (await api.each(batches, (batch) => namesOf(api, call, batch))).flat();
  } catch (error) {
    if (!(error instanceof TooManyGroupsError)) throw error;
    return transitiveGroups(api, call, options.onlySecurityGroups);
  }
}

const memberGroups = (api: VendorApi, call: GraphCall, securityEnabledOnly: boolean): Promise<readonly string[]> =>
  api.list(
    "/v1.0/me/getMemberGroups",
    { ...call, about: "get groups", post: { securityEnabledOnly } },
    async (response) => {
      if (!response.ok && /Directory_ResultSizeLimitExceeded/.test(await response.clone().text())) {
        throw new TooManyGroupsError("microsoft: get groups: too many for one answer");
      }
      const { value, "@odata.nextLink": next } = await readJson(response, idPage, "microsoft: get groups");
      return { items: value, next: next || undefined };
    },
  );

const namesOf = (api: VendorApi, call: GraphCall, ids: readonly string[]): Promise<readonly GraphGroup[]> =>
  api.list(
    "/v1.0/directoryObjects/getByIds",
    { ...call, about: "get group names", post: { ids, types: ["group"] } },
    async (response) => toPage(await readJson(response, groupPage, "microsoft: get group names")),
  );

/** A page at a time, without an upper limit of Graph's. */
const transitiveGroups = (api: VendorApi, call: GraphCall, onlySecurity: boolean): Promise<readonly GraphGroup[]> =>
  api.list(
    "/v1.0/me/transitiveMemberOf/microsoft.graph.group?$select=id,displayName,securityEnabled&$top=999",
    { ...call, about: "get groups" },
    async (response) => {
      const page = await readJson(response, groupPage, "microsoft: get groups");
      return toPage({ ...page, value: page.value.filter((group) => !onlySecurity || group.securityEnabled === true) });
    },
  );

const toPage = ({ value, "@odata.nextLink": next }: z.infer<typeof groupPage>) => ({
  items: value.map(({ id, displayName }) => ({ id, name: displayName })),
  next: next || undefined,
});

const organizations = z.object({
  value: z.array(
    z.object({
      id: z.string(),
      verifiedDomains: z.array(z.object({ name: z.string() })).default([]),
    }),
  ),
});

/** Whether the tenant that issued the token is one of these, by id or verified domain. A personal account has none. */
export async function isOfTenant(api: VendorApi, call: GraphCall, tenants: readonly string[]): Promise<boolean> {
  const response = await api.ask("/v1.0/organization?$select=id,verifiedDomains", { ...call, about: "get tenant" });
  if (response.status === 403 || response.status === 404) return false;
  const { value } = await readJson(response, organizations, "microsoft: get tenant");
  const wanted = new Set(tenants.map((tenant) => tenant.toLowerCase()));
  return value.some(({ id, verifiedDomains }) =>
    [id, ...verifiedDomains.map(({ name }) => name)].some((name) => wanted.has(name.toLowerCase())),
  );
}
