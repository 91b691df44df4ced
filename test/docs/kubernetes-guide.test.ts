/** docs/guide/kubernetes.md: its clients start a server, and its AuthenticationConfiguration takes the tokens that they get. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseDocument } from "yaml";
import { z } from "zod";
import { authorize, codeOf, redeem, tokensOf, verify } from "../spec/relying-party.ts";
import { mockConnector, startServerUnderTest } from "../spec/server-under-test.ts";

const guide = readFileSync(join(import.meta.dirname, "../../docs/guide/kubernetes.md"), "utf8");
const blocks = [...guide.matchAll(/```yaml\n(.*?)```/gs)].map(([, text = ""]) => {
  const document = parseDocument(text);
  assert.deepEqual(document.errors, []);
  return document.toJS() as unknown;
});
const blockOf = <T>(shape: z.ZodType<T>): readonly T[] => blocks.flatMap((block) => shape.safeParse(block).data ?? []);

const authentication = z.object({
  apiVersion: z.literal("apiserver.config.k8s.io/v1beta1"),
  kind: z.literal("AuthenticationConfiguration"),
  jwt: z.tuple([
    z.object({
      issuer: z.object({ url: z.string(), audiences: z.array(z.string()), certificateAuthority: z.string() }),
      claimMappings: z.object({
        username: z.object({ claim: z.string(), prefix: z.string() }),
        groups: z.object({ claim: z.string(), prefix: z.string() }),
      }),
      claimValidationRules: z.array(z.object({ expression: z.string(), message: z.string() })),
    }),
  ]),
});
const clients = z.looseObject({ staticClients: z.array(z.looseObject({ id: z.string() })) });

test("kubectl's and the dashboard's tokens are what the API server is told to take", async (t) => {
  const [
    {
      jwt: [rule],
    } = assert.fail("no AuthenticationConfiguration"),
  ] = blockOf(authentication);
  const [kubectlOnly, withDashboard] = blockOf(clients);
  assert.ok(kubectlOnly !== undefined && withDashboard !== undefined);
  assert.equal(kubectlOnly.issuer, rule.issuer.url);
  const scope = /^scope = (.*)$/m.exec(guide)?.[1] ?? assert.fail("the dashboard asks for no scope");
  for (const [file, id, secret, redirectUri, asked] of [
    [kubectlOnly, "kubernetes", undefined, "http://localhost:18000", "openid email groups offline_access"],
    [withDashboard, "dashboard", "from the environment", "https://dashboard.example.com/oauth2/callback", scope],
  ] as const) {
    const server = await startServerUnderTest(
      { staticClients: file.staticClients, connectors: [mockConnector] },
      { env: { DASHBOARD_SECRET: "from the environment" } },
    );
    t.after(server.close);
    const agent = server.newAgent();
    const client = { id, redirectUri, ...(secret === undefined ? {} : { secret }) };
    const answer = await redeem(agent, codeOf(await authorize(agent, { scope: asked }, client)), {}, client);
    const { claims } = await verify(tokensOf(answer).id_token, server, agent);
    assert.ok(
      [claims.aud].flat().some((audience) => rule.issuer.audiences.includes(String(audience))),
      id,
    );
    for (const { expression, message } of rule.claimValidationRules) {
      // The guide's rules name a claim and nothing else, which is true or is not.
      const [, claim = assert.fail(expression)] = /^claims\.(\w+)$/.exec(expression) ?? [];
      assert.equal(claims[claim], true, message);
    }
    const { username, groups } = rule.claimMappings;
    assert.equal(`${username.prefix}${String(claims[username.claim])}`, "oidc:kilgore@kilgore.trout");
    assert.deepEqual(
      z
        .array(z.string())
        .parse(claims[groups.claim])
        .map((group) => groups.prefix + group),
      ["oidc:authors"],
    );
  }
});
