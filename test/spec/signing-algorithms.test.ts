/** Every algorithm that can sign here is verified here, on every path. OIDC Core §3.1.3.6, §3.3.2.11, RFC 7518 §3, RFC 8037 §3.1. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { z } from "zod";
import { startFakeVault } from "../fake/vault.ts";
import type { TransitType } from "../fake/vault-key.ts";
import { startOpenbao, withoutOpenbao } from "../peer/openbao.ts";
import {
  assertTold,
  authorize,
  codeOf,
  queryOf,
  redeem,
  refresh,
  signIn,
  tokensOf,
  toldClient,
  userinfo,
  verify,
} from "./relying-party.ts";
import { appClient, type ServerUnderTest, startServerUnderTest } from "./server-under-test.ts";
import type { Answer, UserAgent } from "./user-agent.ts";

interface Keeper {
  readonly signer: object;
  close(): Promise<void>;
}

interface Case {
  readonly alg: string;
  readonly keptBy: string;
  /** Bytes of the digest whose left half is `at_hash`, and of the signature. */
  readonly digest: "sha256" | "sha384" | "sha512";
  readonly signatureBytes: number;
  open(): Promise<Keeper>;
}

const local = (alg: string): (() => Promise<Keeper>) => {
  const signer = { type: "local", config: { keysRotationPeriod: "6h", algorithm: alg } };
  return async () => ({ signer, close: async () => undefined });
};

const vault = (type: TransitType) => async (): Promise<Keeper> => {
  const fake = await startFakeVault({ type });
  const signer = { type: "vault", config: { addr: fake.url, token: fake.issue(), keyName: "dex" } };
  return { signer, close: fake.close };
};

/** The real one, with nothing but the rights that the guide tells to give. */
const openbao = (type: TransitType) => async (): Promise<Keeper> => {
  const bao = await startOpenbao();
  await bao.must("POST", "transit/keys/dex", { body: { type } });
  const signer = { type: "vault", config: { addr: bao.url, token: await bao.issue("dex"), keyName: "dex" } };
  return { signer, close: bao.stop };
};

const cases: readonly Case[] = [
  { alg: "RS256", keptBy: "local", digest: "sha256", signatureBytes: 256, open: local("RS256") },
  { alg: "ES256", keptBy: "local", digest: "sha256", signatureBytes: 64, open: local("ES256") },
  { alg: "EdDSA", keptBy: "local", digest: "sha512", signatureBytes: 64, open: local("EdDSA") },
  { alg: "RS256", keptBy: "vault", digest: "sha256", signatureBytes: 256, open: vault("rsa-2048") },
  { alg: "ES256", keptBy: "vault", digest: "sha256", signatureBytes: 64, open: vault("ecdsa-p256") },
  { alg: "ES384", keptBy: "vault", digest: "sha384", signatureBytes: 96, open: vault("ecdsa-p384") },
  { alg: "ES512", keptBy: "vault", digest: "sha512", signatureBytes: 132, open: vault("ecdsa-p521") },
  { alg: "EdDSA", keptBy: "vault", digest: "sha512", signatureBytes: 64, open: vault("ed25519") },
  { alg: "RS256", keptBy: "OpenBao", digest: "sha256", signatureBytes: 256, open: openbao("rsa-2048") },
  { alg: "ES256", keptBy: "OpenBao", digest: "sha256", signatureBytes: 64, open: openbao("ecdsa-p256") },
  { alg: "ES384", keptBy: "OpenBao", digest: "sha384", signatureBytes: 96, open: openbao("ecdsa-p384") },
  { alg: "ES512", keptBy: "OpenBao", digest: "sha512", signatureBytes: 132, open: openbao("ecdsa-p521") },
  { alg: "EdDSA", keptBy: "OpenBao", digest: "sha512", signatureBytes: 64, open: openbao("ed25519") },
];

const exchangeType = (name: string): string => `urn:ietf:params:oauth:token-type:${name}`;
const json = z.record(z.string(), z.unknown());

for (const { alg, keptBy, digest, signatureBytes, open } of cases) {
  describe(`${alg}, ${keptBy}`, { skip: keptBy === "OpenBao" && withoutOpenbao }, () => {
    let keeper: Keeper;
    let server: ServerUnderTest;
    let agent: UserAgent;
    before(async () => {
      keeper = await open();
      server = await startServerUnderTest(
        {
          signer: keeper.signer,
          staticClients: [{ ...appClient, postLogoutRedirectURIs: ["https://app.example/bye"] }],
          oauth2: { skipApprovalScreen: true, responseTypes: ["code", "id_token", "token"] },
        },
        { sessions: true },
      );
      agent = server.newAgent();
    });
    after(async () => {
      await server.close();
      await keeper.close();
    });

    const halfHash = (text: string): string => {
      const whole = createHash(digest).update(text).digest();
      return whole.subarray(0, whole.length / 2).toString("base64url");
    };
    const post = (path: string, form: Readonly<Record<string, string>>): Promise<Answer> =>
      agent.ask(path, {
        method: "POST",
        form: Object.entries({ client_id: "app", client_secret: "app-secret", ...form }),
      });
    const isActive = async (token: string): Promise<unknown> =>
      json.parse(JSON.parse((await post("/token/introspect", { token })).body)).active;

    it("is what discovery and /keys say", async () => {
      const { body } = await agent.get("/.well-known/openid-configuration");
      assert.deepEqual(json.parse(JSON.parse(body)).id_token_signing_alg_values_supported, [alg]);
      const [key, ...more] = z.object({ keys: z.array(json) }).parse(JSON.parse((await agent.get("/keys")).body)).keys;
      assert.deepEqual([key?.alg, key?.use, key?.d, more], [alg, "sig", undefined, []]);
    });

    it("signs tokens of the code flow and of a refresh; a stranger's library, userinfo and introspection take them", async () => {
      const first = await signIn(agent);
      const second = tokensOf(await refresh(agent, first.refresh_token ?? ""));
      for (const tokens of [first, second]) {
        const { claims, header } = await verify(tokens.id_token, server, agent);
        assert.equal(header.alg, alg);
        assert.equal(claims.at_hash, halfHash(tokens.access_token));
        const signature = Buffer.from(tokens.access_token.split(".")[2] ?? "", "base64url");
        assert.equal(signature.length, signatureBytes);
        assert.equal((await userinfo(agent, tokens.access_token)).status, 200);
        assert.equal(await isActive(tokens.access_token), true);
      }
    });

    it("ties code and token to the ID token of a hybrid answer", async () => {
      const told = toldClient(await authorize(agent, { response_type: "code id_token token", nonce: "n" }));
      const { claims } = await verify(told.id_token, server, agent);
      assert.deepEqual([claims.at_hash, claims.c_hash], [halfHash(told.access_token ?? ""), halfHash(told.code ?? "")]);
    });

    it("is believed as id_token_hint, at the authorization endpoint and at the logout", async () => {
      const mine = server.newAgent();
      const { id_token = "" } = tokensOf(await redeem(mine, codeOf(await authorize(mine))));
      codeOf(await authorize(mine, { prompt: "none", id_token_hint: id_token }));
      assertTold(await authorize(server.newAgent(), { prompt: "none", id_token_hint: id_token }), {
        error: "login_required",
        state: "a state",
      });
      const bye = "https://app.example/bye";
      const out = await mine.get(`/logout?${queryOf({ id_token_hint: id_token, post_logout_redirect_uri: bye })}`);
      assert.equal((await mine.follow(out)).location?.href, bye);
      assertTold(await authorize(mine, { prompt: "none" }), { error: "login_required", state: "a state" });
    });

    it("signs what a token exchange gives", async () => {
      const answer = await post("/token", {
        grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
        connector_id: "mock",
        subject_token: "an upstream's token",
        subject_token_type: exchangeType("access_token"),
        scope: "openid email",
      });
      const { access_token } = z.object({ access_token: z.string() }).parse(JSON.parse(answer.body));
      assert.equal((await verify(access_token, server, agent)).header.alg, alg);
      assert.equal((await userinfo(agent, access_token)).status, 200);
    });

    it("is pinned to its key: another algorithm in the header, or a changed signature, is no token of ours", async () => {
      const { access_token } = tokensOf(await redeem(agent, codeOf(await authorize(agent))));
      const [header = "", payload, signature = ""] = access_token.split(".");
      const { kid } = json.parse(JSON.parse(Buffer.from(header, "base64url").toString()));
      const others = ["RS256", "ES256", "ES384", "ES512", "EdDSA", "HS256", "none"].filter((other) => other !== alg);
      const bent = Buffer.from(signature, "base64url");
      bent[5] = (bent[5] ?? 0) ^ 1;
      for (const forged of [
        ...others.map((other) => {
          const head = Buffer.from(JSON.stringify({ alg: other, kid })).toString("base64url");
          return `${head}.${payload}.${signature}`;
        }),
        `${header}.${payload}.${bent.toString("base64url")}`,
        `${header}.${payload}.`,
      ]) {
        assert.equal((await userinfo(agent, forged)).status, 401, forged);
        assert.equal(await isActive(forged), false, forged);
      }
      assert.equal((await userinfo(agent, access_token)).status, 200);
    });
  });
}
