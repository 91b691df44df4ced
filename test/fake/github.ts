/** GitHub's OAuth and REST API, as https://docs.github.com/rest describes them. With `prefix: "/api/v3"`, an Enterprise server's. */
import { type ApiAnswer, type ApiCall, type FakeVendor, isBasicOf, pageOf, startFakeVendor } from "./vendor.ts";

export interface GithubPerson {
  /** Written as it is: numbers may be beyond 2^53. */
  id: string;
  login: string;
  name: string | null;
  email: string | null;
  emails: readonly {
    readonly email: string;
    readonly verified: boolean;
    readonly primary: boolean;
    readonly visibility: string | null;
  }[];
  orgs: readonly string[];
  /** `org/Team Name`. */
  teams: readonly string[];
  suspended?: boolean;
}

export interface FakeGithub extends FakeVendor {
  readonly people: Map<string, GithubPerson>;
  /** Of these everybody sees who is in them. */
  readonly publicOrgs: Set<string>;
  /** These want single sign-on first. */
  readonly ssoOrgs: Set<string>;
  /** Listings go on without `rel="last"`, as those with cursors do. */
  hidesLast: boolean;
}

export interface FakeGithubOptions {
  readonly prefix?: string;
  /** Tokens of a GitHub App expire and are refreshed; those of an OAuth app do neither. */
  readonly isApp?: boolean;
  readonly tls?: { readonly cert: string; readonly key: string };
}

const form = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
const docs = "https://docs.github.com/rest";
const notFound: ApiAnswer = { status: 404, body: { message: "Not Found", documentation_url: docs, status: "404" } };
const suspended: ApiAnswer = {
  status: 403,
  body: { message: "Sorry. Your account was suspended", documentation_url: docs },
};

/** What it answers when the hour's calls are spent. */
export const githubRateLimit = {
  status: 403,
  headers: { "x-ratelimit-limit": "5000", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1893456000" },
  body: '{"message":"API rate limit exceeded for user ID 583231.","documentation_url":"https://docs.github.com/rest/overview/rate-limits-for-the-rest-api"}',
} as const;

const slugOf = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]+/g, "-");

export async function startFakeGithub({
  prefix = "",
  isApp = false,
  tls,
}: FakeGithubOptions = {}): Promise<FakeGithub> {
  const people = new Map<string, GithubPerson>();
  const publicOrgs = new Set<string>();
  const ssoOrgs = new Set<string>();
  const of = ({ person }: ApiCall): GithubPerson => people.get(person) ?? { ...octocat, login: person };

  const listing = (
    items: readonly unknown[],
    { heard }: ApiCall,
    headers: Readonly<Record<string, string>> = {},
  ): ApiAnswer => {
    const { page, pages, count, items: body } = pageOf(items, heard.query, "per_page", 30, 100);
    const link = (to: number, rel: string): string =>
      `<${prefix === "" ? "https://api.github.com" : fake.url}${heard.path}?per_page=${count}&page=${to}>; rel="${rel}"`;
    const links = [
      ...(page > 1 ? [link(page - 1, "prev")] : []),
      ...(page < pages ? [link(page + 1, "next"), ...(fake.hidesLast ? [] : [link(pages, "last")])] : []),
      ...(page > 1 ? [link(1, "first")] : []),
    ];
    return { headers: { ...headers, ...(links.length === 0 ? {} : { link: links.join(", ") }) }, body };
  };
  const unlessSuspended =
    (answer: (call: ApiCall) => ApiAnswer) =>
    (call: ApiCall): ApiAnswer =>
      of(call).suspended === true ? suspended : answer(call);
  const isIn = (orgs: readonly string[], org: string): boolean =>
    orgs.some((one) => one.toLowerCase() === org.toLowerCase());
  const partial = (): Readonly<Record<string, string>> =>
    ssoOrgs.size === 0 ? {} : { "x-github-sso": "partial-results; organizations=21955855" };
  const visible = (org: string): boolean => !isIn([...ssoOrgs], org);

  const vendor = await startFakeVendor({
    paths: { authorize: "/login/oauth/authorize", token: "/login/oauth/access_token" },
    answers: "form",
    lifetime: 28_800,
    ...(tls === undefined ? {} : { tls }),
    // With status 200, whatever it is.
    refusal: (error, _status, given) => {
      const dead = given.get("grant_type") === "refresh_token" ? "bad_refresh_token" : "bad_verification_code";
      const code = { invalid_client: "incorrect_client_credentials", invalid_grant: dead }[error] ?? error;
      return {
        status: 200,
        headers: form,
        body: new URLSearchParams({
          error: code,
          error_description: "The code passed is incorrect or expired.",
        }).toString(),
      };
    },
    unauthorized: { status: 401, body: { message: "Bad credentials", documentation_url: docs } },
    routes: () => ({
      [`GET ${prefix}/user`]: unlessSuspended((call) => {
        const { id, login, name, email } = of(call);
        return {
          body: `{"login":${JSON.stringify(login)},"id":${id},"name":${JSON.stringify(name)},"email":${JSON.stringify(email)},"type":"User"}`,
        };
      }),
      [`GET ${prefix}/user/emails`]: unlessSuspended((call) => listing(of(call).emails, call)),
      [`GET ${prefix}/user/orgs`]: unlessSuspended((call) =>
        listing(
          of(call)
            .orgs.filter(visible)
            .map((login, id) => ({ login, id })),
          call,
          partial(),
        ),
      ),
      [`GET ${prefix}/user/teams`]: unlessSuspended((call) =>
        listing(
          of(call)
            .teams.filter((team) => visible(team.split("/")[0] ?? ""))
            .map((team, id) => {
              const [org = "", name = ""] = team.split("/");
              return { id, name, slug: slugOf(name), organization: { login: org, id: 1 }, parent: null };
            }),
          call,
          partial(),
        ),
      ),
      [`GET ${prefix}/orgs/:org/members/:login`]: unlessSuspended((call) => {
        const [org, login] = [call.part("org"), call.part("login")];
        if (isIn([...ssoOrgs], org)) {
          const sso = `required; url=https://github.com/orgs/${org}/sso?authorization_request=secret`;
          return {
            status: 403,
            headers: { "x-github-sso": sso },
            body: { message: "Resource protected by organization SAML enforcement." },
          };
        }
        if (isIn(of(call).orgs, org) && of(call).login === login) return { status: 204 };
        return { status: 302, headers: { location: `${prefix}/orgs/${org}/public_members/${login}` } };
      }),
      [`GET ${prefix}/orgs/:org/public_members/:login`]: (call) =>
        isIn([...publicOrgs], call.part("org")) && call.part("login") === of(call).login ? { status: 204 } : notFound,
    }),
    openRoutes: (fake) => ({
      [`POST ${prefix}/applications/:client/token`]: ({ heard, part }) => {
        const { access_token: token = "" } = JSON.parse(heard.body) as { access_token?: string };
        if (!isBasicOf(fake, heard) || part("client") !== fake.clientId) return notFound;
        const issued = fake.applicationOf(token);
        if (issued?.clientId !== fake.clientId) return notFound;
        return {
          body: { id: 1, token, app: { name: "Dex", client_id: fake.clientId }, user: { login: issued.person } },
        };
      },
    }),
  });
  vendor.extraTokenMembers = (grant) => ({
    scope: grant.scope.replaceAll(" ", ","),
    ...(isApp ? { refresh_token_expires_in: 15_811_200 } : { refresh_token: undefined, expires_in: undefined }),
  });
  const fake: FakeGithub = Object.assign(vendor, { people, publicOrgs, ssoOrgs, hidesLast: false });
  return fake;
}

export const octocat: GithubPerson = {
  id: "583231",
  login: "octocat",
  name: "monalisa octocat",
  email: null,
  emails: [{ email: "o@github.com", verified: true, primary: true, visibility: "private" }],
  orgs: [],
  teams: [],
};
