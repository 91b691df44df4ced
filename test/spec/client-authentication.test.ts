/** How a client proves itself at the token endpoint. RFC 6749 §2.3, §5.2. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { app, assertRefused, obtainCode, tokensOf } from "./relying-party.ts";
import { appClient, startServerUnderTest } from "./server-under-test.ts";
import type { Answer } from "./user-agent.ts";

const redirectURIs = [app.redirectUri];
const server = await startServerUnderTest(
  {
    staticClients: [
      appClient,
      { id: "client with:colon", name: "Awkward", secret: "a+b c%20&=:ü/", redirectURIs },
      { id: "open", name: "Public", public: true, redirectURIs },
      { id: "guarded", name: "Public with a secret", public: true, secret: "guard", redirectURIs },
      { idEnv: "ENV_ID", secretEnv: "ENV_SECRET", name: "From the environment", redirectURIs },
    ],
  },
  { env: { ENV_ID: "env", ENV_SECRET: "env-secret" } },
);
after(() => server.close());
const agent = server.newAgent();

const formEncoded = (text: string): string => new URLSearchParams({ x: text }).toString().slice(2);
const basic = (id: string, secret: string): string =>
  `Basic ${Buffer.from(`${formEncoded(id)}:${formEncoded(secret)}`).toString("base64")}`;

/** A fresh code of `id`, redeemed with these credentials. */
async function redeemAs(id: string, body: Readonly<Record<string, string>>, authorization?: string): Promise<Answer> {
  const code = await obtainCode(agent, {}, { id, redirectUri: app.redirectUri });
  return agent.ask("/token", {
    method: "POST",
    form: { grant_type: "authorization_code", code, redirect_uri: app.redirectUri, ...body },
    headers: authorization === undefined ? {} : { authorization },
  });
}

describe("a client is known", () => {
  const awkward = { id: "client with:colon", secret: "a+b c%20&=:ü/" };
  for (const [how, id, body, authorization] of [
    ["client_secret_basic", "app", {}, basic("app", "app-secret")],
    ["client_secret_post", "app", { client_id: "app", client_secret: "app-secret" }, undefined],
    ["client_secret_basic, with reserved characters form-encoded", awkward.id, {}, basic(awkward.id, awkward.secret)],
    [
      "client_secret_basic, with spaces as %20",
      awkward.id,
      {},
      `Basic ${Buffer.from(`${encodeURIComponent(awkward.id)}:${encodeURIComponent(awkward.secret)}`).toString("base64")}`,
    ],
    [
      "client_secret_post, with reserved characters",
      awkward.id,
      { client_id: awkward.id, client_secret: awkward.secret },
      undefined,
    ],
    ["a scheme in another case", "app", {}, basic("app", "app-secret").replace("Basic", "bASIC")],
    ["the header, beside the same client_id", "app", { client_id: "app" }, basic("app", "app-secret")],
    ["none, for a public client", "open", { client_id: "open" }, undefined],
    ["none with an empty secret", "open", { client_id: "open", client_secret: "" }, undefined],
    ["none, in the header", "open", {}, basic("open", "")],
    [
      "the secret of a public client that has one",
      "guarded",
      { client_id: "guarded", client_secret: "guard" },
      undefined,
    ],
    ["a secret from the environment", "env", { client_id: "env", client_secret: "env-secret" }, undefined],
  ] as const) {
    it(`by ${how}`, async () => {
      tokensOf(await redeemAs(id, body, authorization));
    });
  }
});

describe("a client is not known", () => {
  const rawPlus = `Basic ${Buffer.from("client+with%3Acolon:a+b c%20&=:ü/").toString("base64")}`;
  for (const [how, id, body, authorization] of [
    ["by a wrong secret", "app", { client_id: "app", client_secret: "wrong" }, undefined],
    ["by another client's secret", "app", { client_id: "app", client_secret: "guard" }, undefined],
    ["by a secret that was not form-encoded: its + is a space", "client with:colon", {}, rawPlus],
    ["without the secret of a public client that has one", "guarded", { client_id: "guarded" }, undefined],
    ["by an empty secret from the header", "app", {}, basic("app", "")],
    ["by the name of nobody", "app", { client_id: "" }, undefined],
  ] as const) {
    it(`${how}, and is told the scheme to use`, async () => {
      const answer = await redeemAs(id, body, authorization);
      assertRefused(answer, "invalid_client", "Invalid client credentials.", 401);
      assert.match(answer.headers["www-authenticate"] ?? "", /^Basic realm="[^"]+"$/);
    });
  }

  it("by a secret that cannot be decoded, which is a malformed request", async () => {
    const stray = `Basic ${Buffer.from("app:100%").toString("base64")}`;
    assertRefused(await redeemAs("app", {}, stray), "invalid_request", "client_secret improperly encoded");
  });

  for (const [how, body] of [
    ["by two methods at once, even where both are right", { client_id: "app", client_secret: "app-secret" }],
    ["by a header beside a secret of the body alone", { client_secret: "app-secret" }],
    ["by a header beside another client_id", { client_id: "open" }],
  ] as const) {
    it(`${how}: RFC 6749 §2.3`, async () => {
      assertRefused(await redeemAs("app", body, basic("app", "app-secret")), "invalid_request");
    });
  }

  for (const header of ["Basic", "Basic ", "Basic !", "Basic b3Blbg==", "Basic Og=="]) {
    it(`by ${JSON.stringify(header)}, even where the body names a public client`, async () => {
      const answer = await redeemAs("open", header === "Basic Og==" ? {} : { client_id: "" }, header);
      assertRefused(answer, "invalid_client", undefined, 401);
    });
  }

  it("by a NUL, which no database could look for", async () => {
    assertRefused(
      await redeemAs("app", {}, `Basic ${btoa("a%00:b")}`),
      "invalid_request",
      "client_id improperly encoded",
    );
  });

  it("and a code is not spent by who is not known", async () => {
    const code = await obtainCode(agent);
    const form = { grant_type: "authorization_code", code, redirect_uri: app.redirectUri, client_id: "app" };
    assertRefused(await agent.post("/token", { ...form, client_secret: "wrong" }), "invalid_client", undefined, 401);
    tokensOf(await agent.post("/token", { ...form, client_secret: "app-secret" }));
  });
});
