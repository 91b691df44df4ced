/** Entra ID's token endpoint and Microsoft Graph 1.0, as their public documentation describes them. */
import { type ApiAnswer, type ApiCall, type FakeVendor, startFakeVendor } from "./vendor.ts";

export interface GraphPerson {
  readonly id: string;
  readonly displayName: string | null;
  readonly userPrincipalName: string;
  readonly mail?: string;
  readonly mailNickname?: string;
  readonly onPremisesSamAccountName?: string | null;
  /** Ids, nested ones too. */
  readonly groups: readonly string[];
  readonly tenant: string;
}

export interface FakeMicrosoft extends FakeVendor {
  readonly people: Map<string, GraphPerson>;
  /** Names by id; an id without one was deleted a moment ago. */
  readonly groupNames: Map<string, string>;
  readonly mailGroups: Set<string>;
  /** Domains of the tenants. */
  readonly tenants: Map<string, readonly string[]>;
  /** As many ids as getMemberGroups tells in one page. */
  pageSize: number;
  /** What the tokens say that are issued next. */
  claims: Readonly<Record<string, unknown>>;
}

export const contoso = "72f988bf-86f1-41af-91ab-2d7cd011db47";
export const jane: GraphPerson = {
  id: "S56767889",
  displayName: "Jane Doe",
  userPrincipalName: "Jane.Doe@example.com",
  mail: "jane@mail.example",
  mailNickname: "janedoe",
  onPremisesSamAccountName: "DOMAIN\\janedoe",
  groups: ["id-a", "id-b"],
  tenant: contoso,
};

const fault = (status: number, code: string, message: string): ApiAnswer => ({
  status,
  body: { error: { code, message, innerError: { "request-id": "r", date: "2026-01-01T00:00:00" } } },
});

export async function startFakeMicrosoft(tenant = contoso): Promise<FakeMicrosoft> {
  const people = new Map([["jane", jane]]);
  const groupNames = new Map([
    ["id-a", "a"],
    ["id-b", "b"],
  ]);
  const of = ({ person }: ApiCall): GraphPerson => people.get(person) ?? jane;
  const bodyOf = ({ heard }: ApiCall) => JSON.parse(heard.body) as Readonly<Record<string, unknown>>;
  const counted = (ids: readonly string[], isSecurity: boolean) =>
    ids.filter((id) => !isSecurity || !fake.mailGroups.has(id));

  function page(call: ApiCall, items: readonly unknown[], size: number): ApiAnswer {
    const start = Number(call.heard.query.get("$skiptoken") ?? 0);
    const isLast = start + size >= items.length;
    const query = new URLSearchParams(call.heard.query);
    query.set("$skiptoken", String(start + size));
    // By its official name, wherever it was reached.
    const next = { "@odata.nextLink": `https://graph.microsoft.com${call.heard.path}?${query}` };
    return { body: { value: items.slice(start, start + size), ...(isLast ? {} : next) } };
  }

  const vendor = await startFakeVendor({
    paths: {
      authorize: `/${tenant}/oauth2/v2.0/authorize`,
      token: `/${tenant}/oauth2/v2.0/token`,
    },
    refusal: (error, status) => ({
      status,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        error,
        error_description: "AADSTS70008: The provided authorization code or refresh token has expired.",
        error_codes: [70008],
        trace_id: "t",
      }),
    }),
    unauthorized: fault(401, "InvalidAuthenticationToken", "Access token is empty."),
    routes: () => ({
      "GET /v1.0/me": (call) => {
        const { groups: _, tenant: __, ...user } = of(call);
        const select = new Set((call.heard.query.get("$select") ?? "").split(","));
        return { body: Object.fromEntries(Object.entries(user).filter(([name]) => select.has(name))) };
      },
      "POST /v1.0/me/getMemberGroups": (call) => {
        const { groups } = of(call);
        if (groups.length > 11_000) {
          return fault(400, "Directory_ResultSizeLimitExceeded", "The specified object has too many groups.");
        }
        return page(call, counted(groups, bodyOf(call).securityEnabledOnly === true), fake.pageSize);
      },
      "GET /v1.0/me/transitiveMemberOf/microsoft.graph.group": (call) => {
        const entries = of(call).groups.map((id) => ({
          id,
          displayName: groupNames.get(id) ?? id,
          securityEnabled: !fake.mailGroups.has(id),
        }));
        return page(call, entries, Number(call.heard.query.get("$top")));
      },
      "POST /v1.0/directoryObjects/getByIds": (call) => {
        const ids = bodyOf(call).ids as readonly string[];
        if (ids.length > 1000) return fault(400, "Request_BadRequest", "Too many ids");
        return {
          body: {
            value: ids.flatMap((id) => {
              const displayName = groupNames.get(id);
              return displayName === undefined ? [] : [{ "@odata.type": "#microsoft.graph.group", id, displayName }];
            }),
          },
        };
      },
      "GET /v1.0/organization": (call) => {
        const { tenant: id } = of(call);
        if (id === "") return fault(403, "Authorization_RequestDenied", "Insufficient privileges.");
        const domains = (fake.tenants.get(id) ?? []).map((name) => ({ name, isDefault: true }));
        return { body: { value: [{ id, verifiedDomains: domains }] } };
      },
    }),
  });
  const fake: FakeMicrosoft = Object.assign(vendor, {
    people,
    groupNames,
    mailGroups: new Set<string>(),
    tenants: new Map([[contoso, ["contoso.com"]]]),
    pageSize: 1_000,
    claims: { aud: "https://graph.microsoft.com", appid: vendor.clientId, tid: contoso } as Readonly<
      Record<string, unknown>
    >,
  });
  let count = 0;
  vendor.makeAccessToken = () => {
    const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    return `${part({ alg: "RS256", nonce: "n" })}.${part(fake.claims)}.signature-${++count}`;
  };
  return fake;
}
