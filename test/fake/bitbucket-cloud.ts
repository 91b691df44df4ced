/** Bitbucket Cloud's OAuth server and API, as https://developer.atlassian.com/cloud/bitbucket/rest describes them. */
import { callbackUrl } from "./connector-deps.ts";
import { type ApiAnswer, type ApiCall, type FakeVendor, pageOf, startFakeVendor } from "./vendor.ts";

export interface BitbucketPerson {
  uuid: string;
  username?: string;
  nickname: string;
  display_name: string;
  emails: readonly { readonly email: string; readonly is_primary: boolean; readonly is_confirmed: boolean }[];
  /** Workspaces by slug, and the permission in each where Bitbucket tells it. */
  workspaces: Readonly<Record<string, string | undefined>>;
}

export interface FakeBitbucket extends FakeVendor {
  readonly people: Map<string, BitbucketPerson>;
}

export const erik: BitbucketPerson = {
  uuid: "{c788b2da-b7a2-404c-9e26-d3f077557007}",
  username: "evzijst",
  nickname: "erik",
  display_name: "Erik van Zijst",
  emails: [
    { email: "old@b.c", is_primary: false, is_confirmed: true },
    { email: "a@b.c", is_primary: true, is_confirmed: true },
  ],
  workspaces: {},
};

export async function startFakeBitbucket(registeredRedirect = callbackUrl.href): Promise<FakeBitbucket> {
  const people = new Map<string, BitbucketPerson>();
  const of = ({ person }: ApiCall): BitbucketPerson => people.get(person) ?? erik;
  const error = (status: number, message: string): ApiAnswer => ({
    status,
    body: { type: "error", error: { message } },
  });
  const listing = (values: readonly unknown[], { heard }: ApiCall): ApiAnswer => {
    const { page, pages, count, items } = pageOf(values, heard.query, "pagelen", 10, 100);
    const next =
      page < pages ? { next: `https://api.bitbucket.org${heard.path}?pagelen=${count}&page=${page + 1}` } : {};
    return { body: { pagelen: count, page, size: values.length, values: items, ...next } };
  };

  const vendor = await startFakeVendor({
    paths: { authorize: "/site/oauth2/authorize", token: "/site/oauth2/access_token" },
    secretIn: "header",
    lifetime: 7200,
    registeredRedirect,
    unauthorized: error(401, "Token is invalid or not supported for this endpoint."),
    routes: () => ({
      "GET /2.0/user": (call) => {
        const { uuid, username, nickname, display_name } = of(call);
        return { body: { type: "user", uuid, username, nickname, display_name, account_id: "557058:c0b72ad0" } };
      },
      "GET /2.0/user/emails": (call) =>
        listing(
          of(call).emails.map((one) => ({ type: "email", ...one })),
          call,
        ),
      "GET /2.0/user/workspaces": (call) =>
        listing(
          Object.keys(of(call).workspaces).map((slug) => ({
            type: "workspace_access",
            administrator: false,
            workspace: { type: "workspace_base", uuid: "{w}", slug },
          })),
          call,
        ),
      "GET /2.0/user/workspaces/:slug/permission": (call) => {
        const permission = of(call).workspaces[call.part("slug")];
        return permission === undefined ? error(404, "Not found") : { body: { permission } };
      },
    }),
  });
  return Object.assign(vendor, { people });
}
