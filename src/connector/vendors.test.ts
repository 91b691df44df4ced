/** What holds for every vendor: foreign answers of any shape, a secret that is wrong, and how many calls there are at once. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { startFakeBitbucket } from "../../test/fake/bitbucket-cloud.ts";
import { aLogin, aReport, asData, callbackUrl, connectorDeps } from "../../test/fake/connector-deps.ts";
import { startFakeGitea } from "../../test/fake/gitea.ts";
import { startFakeGithub } from "../../test/fake/github.ts";
import { startFakeGitlab } from "../../test/fake/gitlab.ts";
import { startFakeLinkedin } from "../../test/fake/linkedin.ts";
import type { FakeVendor } from "../../test/fake/vendor.ts";
import { connectorTypes } from "./registry.ts";
import { mapBounded } from "./shared/map-bounded.ts";

type Json = Readonly<Record<string, unknown>>;

/** Each with a configuration that asks for everything, and what it asks. */
const vendors: Readonly<
  Record<
    string,
    {
      readonly start: () => Promise<FakeVendor>;
      readonly config: (url: string) => Json;
      readonly paths: readonly string[];
    }
  >
> = {
  github: {
    start: startFakeGithub,
    config: (url) => ({ baseURL: url, apiURL: url, loadAllGroups: true }),
    paths: ["/user", "/user/emails", "/user/orgs", "/user/teams"],
  },
  gitlab: {
    start: startFakeGitlab,
    config: (url) => ({ baseURL: url, inheritedGroups: true, getGroupsPermission: true }),
    paths: ["/api/v4/user", "/oauth/userinfo", "/api/v4/groups"],
  },
  gitea: {
    start: startFakeGitea,
    config: (url) => ({ baseURL: url, loadAllGroups: true, includeOrgs: true, checkEmailVerified: true }),
    paths: ["/api/v1/user", "/api/v1/user/teams", "/api/v1/user/orgs", "/api/v1/user/emails"],
  },
  "bitbucket-cloud": {
    start: startFakeBitbucket,
    config: (url) => ({ baseURL: url, apiURL: url, getWorkspacePermissions: true }),
    paths: ["/2.0/user", "/2.0/user/emails", "/2.0/user/workspaces"],
  },
  linkedin: {
    start: startFakeLinkedin,
    config: (url) => ({ baseURL: url, apiURL: url, useOpenID: true }),
    paths: ["/v2/userinfo"],
  },
};

/** Any JSON, and more often what looks nearly right. */
const answer = fc.oneof(
  fc.json(),
  fc
    .dictionary(
      fc.constantFrom(
        "id",
        "login",
        "username",
        "uuid",
        "sub",
        "email",
        "groups",
        "values",
        "next",
        "organization",
        "__proto__",
      ),
      fc.oneof(fc.jsonValue(), fc.constantFrom<unknown>(0, 1, "", "x", null, [], {})),
    )
    .chain((value) => fc.constantFrom(JSON.stringify(value), JSON.stringify([value]))),
);

for (const [type, { start, config, paths }] of Object.entries(vendors)) {
  describe(type, () => {
    it("makes an identity or an Error of any answer, and quotes no token", async (t) => {
      const fake = await start();
      const deps = connectorDeps();
      t.after(() => {
        deps.close();
        return fake.close();
      });
      const load = connectorTypes[type] ?? assert.fail(type);
      const client = { clientID: fake.clientId, clientSecret: fake.clientSecret, redirectURI: callbackUrl.href };
      const connector = await (await load()).open({ ...client, ...config(fake.url) }, deps);
      const token = fake.strangeToken("jane");
      const identity = {
        userId: "as stored",
        username: "",
        emailVerified: true,
        groups: [],
        connectorData: asData(JSON.stringify({ accessToken: token })),
      };
      let named = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...paths),
          answer,
          fc.constantFrom(200, 200, 200, 403),
          async (path, body, status) => {
            fake.always(path, { status, body });
            try {
              const result = await connector.refresh?.(identity, aLogin());
              if (result?.ok) {
                named++;
                assert.notEqual(result.identity.userId, "");
                assert.ok(result.identity.groups.every((group) => typeof group === "string"));
              }
            } catch (error) {
              assert.ok(error instanceof Error && !(error instanceof TypeError), String(error));
              assert.doesNotMatch(error.message, new RegExp(token));
            } finally {
              fake.always(path, undefined);
            }
          },
        ),
        { numRuns: 60 },
      );
      const usual = await connector.refresh?.(identity, aLogin());
      assert.ok(usual?.ok, `${named}`);
    });

    it("says to a test whether the vendor knows our secret", async (t) => {
      const fake = await start();
      const deps = connectorDeps();
      t.after(() => {
        deps.close();
        return fake.close();
      });
      const { diagnose } = await (connectorTypes[type] ?? assert.fail(type))();
      for (const [clientSecret, expected] of [
        [fake.clientSecret, type === "linkedin" ? "warn" : "pass"],
        ["wrong", "fail"],
      ]) {
        const { report, told } = aReport();
        const client = { clientID: fake.clientId, clientSecret, redirectURI: callbackUrl.href };
        await diagnose?.({ ...client, ...config(fake.url) }, deps, report);
        assert.deepEqual(
          told.map((line) => line.split(":")[0]),
          [`${expected} client`],
        );
      }
    });
  });
}

describe("mapBounded", () => {
  it("keeps the order, and never does more than its limit at once", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(4), { maxLength: 40 }),
        fc.integer({ min: 1, max: 10 }),
        async (delays, limit) => {
          let now = 0;
          let most = 0;
          const results = await mapBounded([...delays.entries()], limit, async ([index, delay]) => {
            most = Math.max(most, ++now);
            for (let turn = 0; turn < delay; turn++) await Promise.resolve();
            now--;
            return index;
          });
          assert.deepEqual(results, [...delays.keys()]);
          assert.ok(most <= limit);
        },
      ),
    );
  });

  it("begins nothing after a failure, which is the whole's", async () => {
    const begun: number[] = [];
    const work = async (item: number): Promise<number> => {
      begun.push(item);
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (item === 1) throw new Error("the second");
      return item;
    };
    await assert.rejects(mapBounded([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 2, work), /the second/);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.ok(begun.length <= 4, `${begun}`);
  });
});
