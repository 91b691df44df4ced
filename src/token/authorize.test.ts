import assert from "node:assert/strict";
import { test } from "node:test";
import { Secret } from "../kernel/secret.ts";
import { grantTypes } from "../oauth/grant-type.ts";
import type { Client } from "../storage/records.ts";
import { authorize, type IssuanceRequest, type Policy, withClaims } from "./authorize.ts";

const client: Client = {
  id: "app",
  secret: new Secret("s"),
  redirectUris: [],
  trustedPeers: [],
  public: false,
  name: "App",
  logoUrl: "",
  allowedConnectors: [],
  postLogoutRedirectUris: [],
  backchannelLogoutUri: "",
  refreshTokenLifetime: "",
  clientCredentialsGroups: [],
};
const claims = { userId: "u", username: "", preferredUsername: "", email: "", emailVerified: false, groups: [] };
const trail = { note: () => {} };

const base = (grant: IssuanceRequest["grant"]): IssuanceRequest => ({
  client,
  grant,
  connector: grant === "client_credentials" ? undefined : { id: "ldap", type: "ldap", grantTypes: [] },
  subject: grant === "client_credentials" ? { userId: "app", connectorId: "" } : { userId: "u", connectorId: "ldap" },
  claims,
  scopes: ["openid"],
  trustedBy: new Set(),
  missingFactors: [],
  blockedUntil: 0,
  now: 1_000,
});

const all = Object.values(grantTypes);
const forPeople = all.filter((grant) => grant !== "client_credentials");

/** One way to break each policy, and the grants it binds. */
const violations: Readonly<
  Record<Policy, { readonly binds: readonly string[]; readonly change: Partial<IssuanceRequest> }>
> = {
  "grant.client_kind": { binds: ["client_credentials"], change: { client: { ...client, public: true } } },
  "client.allowed_connectors": { binds: forPeople, change: { client: { ...client, allowedConnectors: ["github"] } } },
  "grant.connector_exists": { binds: forPeople, change: { connector: undefined } },
  "connector.grant_types": {
    binds: forPeople,
    change: { connector: { id: "ldap", type: "ldap", grantTypes: ["none of these"] } },
  },
  "user.blocked": { binds: forPeople, change: { blockedUntil: 1_001 } },
  "factor.proved": { binds: forPeople, change: { missingFactors: ["totp"] } },
  "scope.known": { binds: all, change: { scopes: ["openid", "wat"] } },
  "scope.grant": { binds: ["client_credentials"], change: { scopes: ["openid", "offline_access"] } },
  "audience.trusted": { binds: all, change: { scopes: ["openid", "audience:server:client_id:peer"] } },
};

for (const grant of all) {
  test(`${grant}: allowed when nothing objects`, () => assert.equal(authorize(base(grant), trail).allow, true));
  for (const [policy, { binds, change }] of Object.entries(violations)) {
    if (!binds.includes(grant)) continue;
    test(`${grant}: refused by ${policy}`, () => {
      const verdict = authorize({ ...base(grant), ...change }, trail);
      assert.equal(verdict.allow, false);
      assert.equal(verdict.allow || verdict.policy, policy);
    });
  }
}

test("the audience is the peers in order, and the client last unless it is named", () => {
  const scopes = ["openid", "audience:server:client_id:aa", "audience:server:client_id:bb"];
  const verdict = authorize({ ...base("authorization_code"), scopes, trustedBy: new Set(["aa", "bb"]) }, trail);
  assert.deepEqual(verdict.allow && verdict.authorized.audience, ["aa", "bb", "app"]);
  const own = authorize({ ...base("authorization_code"), scopes: ["audience:server:client_id:app"] }, trail);
  assert.deepEqual(own.allow && own.authorized.audience, ["app"]);
});

test("claims of another user do not pass under a permission", () => {
  const verdict = authorize(base("refresh_token"), trail);
  assert.ok(verdict.allow);
  assert.throws(() => withClaims(verdict.authorized, { ...claims, userId: "other" }));
});

test("the trail names the policy that refused", () => {
  const noted: string[] = [];
  authorize(
    { ...base("authorization_code"), blockedUntil: 2_000 },
    { note: ({ check, outcome }) => noted.push(`${outcome} ${check}`) },
  );
  assert.deepEqual(noted, ["fail user.blocked"]);
});
