/** GitLab's OAuth server and REST API, as https://docs.gitlab.com/api describes them. */
import { type ApiAnswer, type ApiCall, type FakeVendor, pageOf, startFakeVendor } from "./vendor.ts";

export interface GitlabPerson {
  /** Written as it is. */
  id: string;
  username: string;
  name: string;
  email: string | null;
  state: string;
  confirmed_at: string | null;
  /** Direct memberships. */
  groups: readonly string[];
  roles: Readonly<Partial<Record<"owner" | "maintainer" | "developer", readonly string[]>>>;
  /** Groups by path, inherited ones too, and the level in each where GitLab tells it. */
  inherited: Readonly<Record<string, number | undefined>>;
}

export interface FakeGitlab extends FakeVendor {
  readonly people: Map<string, GitlabPerson>;
}

export const john: GitlabPerson = {
  id: "12345678",
  username: "joebloggs",
  name: "Joe Bloggs",
  email: "joe@example.com",
  state: "active",
  confirmed_at: "2012-05-23T09:05:22.000Z",
  groups: [],
  roles: {},
  inherited: {},
};

const description =
  "The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client.";

export async function startFakeGitlab(): Promise<FakeGitlab> {
  const people = new Map<string, GitlabPerson>();
  const of = ({ person }: ApiCall): GitlabPerson => people.get(person) ?? john;
  const api =
    (answer: (call: ApiCall) => ApiAnswer) =>
    (call: ApiCall): ApiAnswer =>
      of(call).state === "blocked"
        ? { status: 403, body: { message: "403 Forbidden - Your account has been blocked." } }
        : answer(call);

  const vendor = await startFakeVendor({
    paths: { authorize: "/oauth/authorize", token: "/oauth/token" },
    // Text, as some versions write it.
    answers: "json-text-lifetime",
    lifetime: 7200,
    refusal: (error, status) => ({
      status,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ error, error_description: description }),
    }),
    unauthorized: { status: 401, body: { message: "401 Unauthorized" } },
    routes: (fake) => ({
      "GET /api/v4/user": api((call) => {
        const { id, username, name, email, state, confirmed_at } = of(call);
        const rest = JSON.stringify({ username, name, email, state, confirmed_at, is_admin: false }).slice(1);
        return { body: `{"id":${id},${rest}` };
      }),
      "GET /oauth/userinfo": api((call) => {
        const { id, groups, roles } = of(call);
        const claims = Object.entries(roles).map(([role, paths]) => [
          `https://gitlab.org/claims/groups/${role}`,
          paths,
        ]);
        return { body: { sub: id, groups, ...Object.fromEntries(claims) } };
      }),
      "GET /api/v4/groups": api((call) => {
        if (call.heard.query.get("all_available") !== "false") return { status: 400, body: { error: "all_available" } };
        const all = Object.keys(of(call).inherited).map((path, index) => ({
          id: index + 1,
          name: path,
          path: path.split("/").at(-1),
          full_path: path,
          parent_id: null,
        }));
        const { page, pages, items } = pageOf(all, call.heard.query, "per_page", 20, 100);
        return { headers: { "x-page": `${page}`, "x-total-pages": `${pages}` }, body: items };
      }),
      "GET /api/v4/groups/:group/members/all/:user": api((call) => {
        const { id, username, inherited } = of(call);
        const level = Object.values(inherited)[Number(call.part("group")) - 1];
        if (call.part("user") !== id || level === undefined) return { status: 404, body: { message: "404 Not found" } };
        return { body: { id: 1, username, access_level: level } };
      }),
      "GET /oauth/token/info": ({ heard }) => {
        const issued = fake.applicationOf(heard.headers.authorization?.replace(/^Bearer /, "") ?? "");
        return {
          body: {
            resource_owner_id: 1,
            scope: ["read_user"],
            expires_in: 7000,
            application: { uid: issued?.clientId },
          },
        };
      },
    }),
  });
  return Object.assign(vendor, { people });
}
