/** A provider that lies, and whoever is between us. OIDC Core §3.1.3.7, RFC 8725, RFC 9207. */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { describe, it } from "node:test";
import { aLogin, callbackAt, callbackUrl, signInThrough } from "../../../test/fake/connector-deps.ts";
import type { FakeOidc } from "../../../test/fake/oidc.ts";
import type { Secret } from "../../kernel/secret.ts";
import { anUpstream, changed, identityOf, jane } from "./testing/an-upstream.ts";

/** `lie` makes the provider lie; the login must fail with `pattern`. */
interface Lie {
  readonly name: string;
  lie(fake: FakeOidc): void;
  readonly pattern: RegExp;
  readonly config?: Readonly<Record<string, unknown>>;
}

const b64 = (value: unknown): string =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

const lies: readonly Lie[] = [
  { name: "another nonce", lie: (fake) => changed(fake, { nonce: "x" }), pattern: /of another login/ },
  { name: "no nonce", lie: (fake) => changed(fake, { nonce: undefined }), pattern: /lacks the nonce/ },
  { name: "another audience", lie: (fake) => changed(fake, { aud: "other" }), pattern: /another audience/ },
  { name: "no audience", lie: (fake) => changed(fake, { aud: undefined }), pattern: /another audience/ },
  { name: "another party", lie: (fake) => changed(fake, { azp: "other" }), pattern: /another client \(azp\)/ },
  { name: "many audiences, no party", lie: (fake) => changed(fake, { aud: ["dex", "other"] }), pattern: /\(azp\)/ },
  { name: "another issuer", lie: (fake) => changed(fake, { iss: `${fake.issuer}/` }), pattern: /different provider/ },
  {
    name: "an old token",
    lie: (fake) => changed(fake, { exp: Math.floor(Date.now() / 1000) - 61 }),
    pattern: /expired/,
  },
  { name: "no end", lie: (fake) => changed(fake, { exp: undefined }), pattern: /when it expires/ },
  {
    name: "a token of tomorrow",
    lie: (fake) => changed(fake, { nbf: Math.floor(Date.now() / 1000) + 9_999 }),
    pattern: /not valid yet/,
  },
  { name: "a logout token", lie: (fake) => changed(fake, { events: {} }), pattern: /no id token/ },
  {
    name: "no id token",
    lie: (fake) => {
      fake.claims = () => undefined;
    },
    pattern: /no id_token in token response/,
  },
  {
    name: "alg none",
    lie: (fake) => {
      fake.sign = (claims) => `${b64({ alg: "none" })}.${b64(claims)}.`;
    },
    pattern: /does not advertise/,
  },
  {
    name: "HS256 with the client's secret",
    lie: (fake) => {
      fake.sign = (claims) => hs256(claims, fake.clientSecret);
    },
    pattern: /does not advertise/,
  },
  {
    name: "HS256 with the public key",
    lie: (fake) => {
      fake.sign = (claims) => hs256(claims, JSON.stringify(fake.publicKeys()[0]));
    },
    pattern: /does not advertise/,
  },
  {
    name: "a key in the header",
    lie: (fake) => {
      fake.keys = () => [];
      fake.sign = (claims) => fake.signUsual(claims, { jwk: fake.publicKeys()[0], jku: `${fake.url}/jwks` });
    },
    pattern: /no key of the provider's/,
  },
  {
    name: "an unknown extension",
    lie: (fake) => {
      fake.sign = async (claims) =>
        (await fake.signUsual(claims)).replace(/^[^.]*/, b64({ alg: "ES256", crit: ["x"], x: 1 }));
    },
    pattern: /extensions/,
  },
  {
    name: "a signature of other claims",
    lie: (fake) => {
      fake.sign = async (claims) => {
        const [header, , signature] = (await fake.signUsual(claims)).split(".");
        return `${header}.${b64({ ...claims, sub: "root" })}.${signature}`;
      };
    },
    pattern: /no key of the provider's/,
  },
  {
    name: "a key for encryption",
    lie: (fake) => {
      fake.keys = (usual) => usual.map((key) => ({ ...key, use: "enc" }));
    },
    pattern: /no key of the provider's/,
  },
  {
    name: "a key for another algorithm",
    lie: (fake) => {
      fake.keys = (usual) => usual.map((key) => ({ ...key, alg: "ES384" }));
    },
    pattern: /no key of the provider's/,
  },
  {
    name: "shared secrets as keys",
    lie: (fake) => {
      fake.keys = () => [{ kty: "oct", k: "eA" }];
    },
    pattern: /no key/,
  },
  {
    name: "an encrypted token",
    lie: (fake) => {
      fake.sign = () => "a.b.c.d.e";
    },
    pattern: /no signed JWT/,
  },
  {
    name: "no token",
    lie: (fake) => {
      fake.sign = () => "...";
    },
    pattern: /no signed JWT/,
  },
  {
    name: "a list of claims",
    lie: (fake) => {
      fake.sign = () => `${b64({ alg: "ES256" })}.${b64("[]")}.eA`;
    },
    pattern: /no key/,
  },
  {
    name: "keys that are none",
    lie: (fake) => fake.always("/jwks", { body: '{"keys":{}}' }),
    pattern: /unexpected type of "keys"/,
  },
  {
    name: "another person at userinfo",
    config: { getUserInfo: true },
    lie: (fake) => void fake.userinfo.set("jane", { ...jane, sub: "root" }),
    pattern: /another person/,
  },
  {
    name: "garbage at userinfo",
    config: { getUserInfo: true },
    lie: (fake) => void fake.userinfo.set("jane", "<html>"),
    pattern: /failed to decode userinfo/,
  },
  {
    name: "userinfo that refuses",
    config: { getUserInfo: true },
    lie: (fake) => fake.always("/userinfo", { status: 401 }),
    pattern: /error loading userinfo: status 401/,
  },
  {
    name: "userinfo that leads away",
    config: { getUserInfo: true },
    lie: (fake) => fake.always("/userinfo", { status: 302, headers: { location: "/userinfo" } }),
    pattern: /redirects without end/,
  },
  {
    name: "a code of another issuer",
    lie: (fake) => fromIssuer(fake, "https://other.test"),
    pattern: /of another issuer/,
  },
  {
    name: "a code of nobody's",
    lie: (fake) => {
      fake.metadata = { authorization_response_iss_parameter_supported: true };
    },
    pattern: /does not name its issuer/,
  },
];

function hs256(claims: unknown, secret: string): string {
  const signed = `${b64({ alg: "HS256", typ: "JWT" })}.${b64(claims)}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

function fromIssuer(fake: FakeOidc, issuer: string): void {
  const usual = fake.authorize;
  fake.authorize = async (url) => {
    const back = await usual(url);
    back.searchParams.set("iss", issuer);
    return back;
  };
}

describe("a provider that lies gets nobody in", () => {
  for (const { name, lie, pattern, config } of lies) {
    it(name, async (t) => {
      const { fake, open } = await anUpstream(t);
      lie(fake);
      const connector = await open(config);
      await assert.rejects(
        signInThrough(connector, (url) => fake.authorize(url)),
        pattern,
      );
    });
  }

  it("what a login remembers is needed: another browser's verifier and nonce do not fit", async (t) => {
    const { fake, open } = await anUpstream(t);
    const connector = await open();
    const begin = async () => {
      let remembered: Secret | undefined;
      const { to } = await connector.begin(
        callbackUrl,
        (remember) => {
          remembered = remember;
          return "s";
        },
        aLogin(),
      );
      return { back: callbackAt(await fake.authorize(to)), remembered };
    };
    const mine = await begin();
    const theirs = await begin();
    await assert.rejects(connector.finish(theirs.back, mine.remembered, aLogin()), /invalid_grant/);
    await assert.rejects(connector.finish(mine.back, undefined, aLogin()));
  });

  it("a nonce that is forgotten can be forgiven, a wrong one cannot", async (t) => {
    const { fake, open } = await anUpstream(t);
    const connector = await open({ insecureSkipNonce: true });
    changed(fake, { nonce: undefined });
    identityOf(await signInThrough(connector, fake.authorize));
    changed(fake, { nonce: "x" });
    await assert.rejects(signInThrough(connector, fake.authorize), /of another login/);
  });
});
