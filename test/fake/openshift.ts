/** An OpenShift cluster: its OAuth server's metadata and its user API. The API server and the OAuth server are one here. */
import { type FakeVendor, startFakeVendor } from "./vendor.ts";

export interface ClusterUser {
  readonly name: string;
  readonly uid?: string;
  readonly groups?: readonly string[] | null;
}

export interface FakeOpenshift extends FakeVendor {
  readonly people: Map<string, ClusterUser>;
  /** What the metadata says; undefined removes a member. */
  metadata: Readonly<Record<string, unknown>>;
}

export const jdoe: ClusterUser = { name: "jdoe", uid: "12345", groups: ["users"] };

export async function startFakeOpenshift(tls?: {
  readonly cert: string;
  readonly key: string;
}): Promise<FakeOpenshift> {
  const people = new Map([["jane", jdoe]]);
  const vendor = await startFakeVendor({
    clientId: "system:serviceaccount:dex:dex",
    paths: { authorize: "/oauth/authorize", token: "/oauth/token" },
    lifetime: 86_400,
    ...(tls === undefined ? {} : { tls }),
    unauthorized: {
      status: 401,
      body: {
        kind: "Status",
        apiVersion: "v1",
        status: "Failure",
        message: "Unauthorized",
        reason: "Unauthorized",
        code: 401,
      },
    },
    openRoutes: (fake) => ({
      "GET /.well-known/oauth-authorization-server": () => ({
        body: {
          issuer: fake.url,
          authorization_endpoint: `${fake.url}/oauth/authorize`,
          token_endpoint: `${fake.url}/oauth/token`,
          scopes_supported: ["user:check-access", "user:full", "user:info"],
          response_types_supported: ["code", "token"],
          grant_types_supported: ["authorization_code", "implicit"],
          code_challenge_methods_supported: ["plain", "S256"],
          ...cluster.metadata,
        },
      }),
    }),
    routes: () => ({
      "GET /apis/user.openshift.io/v1/users/~": ({ person }) => {
        const { name, uid, groups = null } = people.get(person) ?? jdoe;
        return {
          body: {
            kind: "User",
            apiVersion: "user.openshift.io/v1",
            metadata: { name, ...(uid === undefined ? {} : { uid }), creationTimestamp: null },
            fullName: "John Doe",
            identities: [`htpasswd:${name}`],
            groups,
          },
        };
      },
    }),
  });
  // It issues no refresh tokens.
  vendor.extraTokenMembers = () => ({ refresh_token: undefined, scope: "user:info" });
  const cluster: FakeOpenshift = Object.assign(vendor, { people, metadata: {} as Readonly<Record<string, unknown>> });
  return cluster;
}
