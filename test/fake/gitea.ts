/** Gitea's OAuth server and API, as https://docs.gitea.com/development/oauth2-provider and its Swagger describe them. */
import { type ApiAnswer, type ApiCall, type FakeVendor, isBasicOf, pageOf, startFakeVendor } from "./vendor.ts";

export interface GiteaPerson {
  id: string;
  login: string;
  full_name: string;
  email: string;
  active?: boolean;
  prohibit_login?: boolean;
  emails: readonly { readonly email: string; readonly verified: boolean; readonly primary: boolean }[];
  /** `org/team`; an empty org is one that is gone. */
  teams: readonly string[];
  /** Memberships without a team. */
  orgs: readonly string[];
}

export interface FakeGitea extends FakeVendor {
  readonly people: Map<string, GiteaPerson>;
  /** Gives the first page whatever is asked for. */
  ignoresPage: boolean;
  /** Organizations are called by `name` alone, as newer servers may. */
  isNew: boolean;
}

export const jdoe: GiteaPerson = {
  id: "12345678",
  login: "jdoe",
  full_name: "",
  email: "some@email.com",
  active: true,
  prohibit_login: false,
  emails: [{ email: "some@email.com", verified: true, primary: true }],
  teams: [],
  orgs: [],
};

export async function startFakeGitea(): Promise<FakeGitea> {
  const people = new Map<string, GiteaPerson>();
  const of = ({ person }: ApiCall): GiteaPerson => people.get(person) ?? jdoe;
  const organization = (name: string) =>
    name === "" ? null : { id: 3, name, ...(fake.isNew ? {} : { username: name }) };
  const listing = (items: readonly unknown[], { heard: { query } }: ApiCall): ApiAnswer => {
    const asked = fake.ignoresPage ? new URLSearchParams({ limit: query.get("limit") ?? "" }) : query;
    return { headers: { "x-total-count": `${items.length}` }, body: pageOf(items, asked, "limit", 30, 50).items };
  };
  const api =
    (answer: (call: ApiCall) => ApiAnswer) =>
    (call: ApiCall): ApiAnswer =>
      of(call).prohibit_login === true && call.heard.path !== "/api/v1/user"
        ? { status: 403, body: { message: "user is prohibited from login", url: "https://gitea.test/api/swagger" } }
        : answer(call);

  const vendor = await startFakeVendor({
    paths: { authorize: "/login/oauth/authorize", token: "/login/oauth/access_token" },
    answers: "json-text-lifetime",
    lifetime: 3600,
    // Always 400, and nearly always the same code.
    refusal: (error, _status, form) => {
      const isRefresh = form.get("grant_type") === "refresh_token";
      const isSecret = error === "invalid_client";
      const other = isRefresh ? "token was already used" : "client is not authorized";
      const body = {
        error: isSecret && isRefresh ? "invalid_client" : "unauthorized_client",
        error_description: isSecret ? "invalid client secret" : other,
      };
      return { status: 400, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    },
    unauthorized: {
      status: 401,
      body: { message: "user does not exist [uid: 0, name: ]", url: "https://gitea.test/api/swagger" },
    },
    routes: () => ({
      "GET /api/v1/user": api((call) => {
        const { id, emails: _, teams: __, orgs: ___, ...user } = of(call);
        return { body: `{"id":${id},${JSON.stringify({ is_admin: false, ...user }).slice(1)}` };
      }),
      "GET /api/v1/user/emails": api((call) => ({ body: of(call).emails })),
      "GET /api/v1/user/orgs": api((call) =>
        listing(
          of(call).orgs.map((name, id) => ({ ...organization(name), id: id + 1 })),
          call,
        ),
      ),
      "GET /api/v1/user/teams": api((call) =>
        listing(
          of(call).teams.map((team, index) => {
            const [org = "", name = ""] = team.split("/");
            return { id: index + 1, name, organization: organization(org), permission: "write" };
          }),
          call,
        ),
      ),
    }),
    openRoutes: (fake) => ({
      "POST /login/oauth/introspect": ({ heard }) => {
        if (!isBasicOf(fake, heard)) return { status: 401, body: "no valid authorization" };
        const issued = fake.applicationOf(heard.form.get("token") ?? "");
        return {
          body: issued
            ? { active: true, scope: "", username: issued.person, aud: [issued.clientId] }
            : { active: false },
        };
      },
    }),
  });
  const fake: FakeGitea = Object.assign(vendor, { people, ignoresPage: false, isNew: false });
  return fake;
}
