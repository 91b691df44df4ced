/** LinkedIn's OAuth server and API, old and new, as https://learn.microsoft.com/linkedin describes them. */
import { type ApiAnswer, type ApiCall, type FakeVendor, startFakeVendor } from "./vendor.ts";

export interface LinkedinPerson {
  id: string;
  localizedFirstName: string;
  localizedLastName: string;
  /** The last one counts. */
  emails: readonly string[];
  /** What the new way says. */
  userinfo: Readonly<Record<string, unknown>>;
  restricted?: boolean;
}

export interface FakeLinkedin extends FakeVendor {
  readonly people: Map<string, LinkedinPerson>;
}

export const bob: LinkedinPerson = {
  id: "yrZCpj2Z12",
  localizedFirstName: "Bob",
  localizedLastName: "Smith",
  emails: ["bob@example.com"],
  userinfo: {
    sub: "782bbtaQ",
    name: "John Doe",
    given_name: "John",
    family_name: "Doe",
    picture: "https://media.licdn-ei.com/dms/image/C5F03AQHqK8v7tB1HCQ",
    locale: { country: "US", language: "en" },
    email: "doe@email.com",
    email_verified: true,
  },
};

/** `refreshes`: the programmatic refresh tokens that LinkedIn gives to some partners. */
export async function startFakeLinkedin({ refreshes = false } = {}): Promise<FakeLinkedin> {
  const people = new Map<string, LinkedinPerson>();
  const of = ({ person }: ApiCall): LinkedinPerson => people.get(person) ?? bob;
  const api =
    (scope: string, answer: (person: LinkedinPerson) => unknown) =>
    (call: ApiCall): ApiAnswer => {
      const grant = vendor.grantOf(call.heard.headers.authorization?.replace(/^Bearer /, "") ?? "");
      const message = `Not enough permissions to access: GET ${call.heard.path}`;
      const denied = { serviceErrorCode: 100, message, status: 403 };
      if (grant !== undefined && !grant.scope.split(" ").includes(scope)) return { status: 403, body: denied };
      if (of(call).restricted === true) {
        return { status: 403, body: { serviceErrorCode: 65605, message: "This member is restricted", status: 403 } };
      }
      return { body: answer(of(call)) };
    };

  const vendor = await startFakeVendor({
    paths: { authorize: "/oauth/v2/authorization", token: "/oauth/v2/accessToken" },
    secretIn: "body",
    lifetime: 5_184_000,
    // The refresh token stays for its year.
    rotates: false,
    refusal: (error, status, form) => {
      const isRefresh = form.get("grant_type") === "refresh_token";
      const body =
        error === "invalid_grant" && !isRefresh
          ? {
              error: "invalid_request",
              error_description: "Unable to retrieve access token: authorization code not found",
            }
          : { error, error_description: "Token has been expired or revoked." };
      return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    },
    unauthorized: { status: 401, body: { serviceErrorCode: 65600, message: "Invalid access token", status: 401 } },
    routes: () => ({
      "GET /v2/me": api("r_liteprofile", ({ id, localizedFirstName, localizedLastName }) => ({
        id,
        localizedFirstName,
        localizedLastName,
      })),
      "GET /v2/emailAddress": api("r_emailaddress", ({ emails }) => ({
        elements: emails.map((emailAddress) => ({
          handle: "urn:li:emailAddress:3775708763",
          "handle~": { emailAddress },
        })),
      })),
      "GET /v2/userinfo": api("openid", ({ userinfo }) => userinfo),
    }),
    openRoutes: (fake) => ({
      "POST /oauth/v2/introspectToken": ({ heard: { form } }) => {
        if (form.get("client_id") !== fake.clientId || form.get("client_secret") !== fake.clientSecret) {
          return { status: 401, body: { error: "invalid_client", error_description: "Client authentication failed" } };
        }
        const issued = fake.applicationOf(form.get("token") ?? "");
        return {
          body: issued
            ? { active: true, client_id: issued.clientId, status: "active", auth_type: "3L" }
            : { active: false },
        };
      },
    }),
  });
  vendor.extraTokenMembers = ({ scope }) => ({
    scope: scope.replaceAll(" ", ","),
    ...(refreshes ? { refresh_token_expires_in: 525_600 } : { refresh_token: undefined }),
  });
  return Object.assign(vendor, { people });
}
