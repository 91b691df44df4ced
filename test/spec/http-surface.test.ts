/** What every path has in common: routes, headers, static files, CORS, health. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { authPath, signIn } from "./relying-party.ts";
import { passwordConnector, startServerUnderTest } from "./server-under-test.ts";

const plain = await startServerUnderTest({ connectors: [passwordConnector] });
const http = "127.0.0.1:0";
const listed = await startServerUnderTest({
  web: {
    http,
    allowedOrigins: ["https://spa.example", "https://other.example"],
    headers: { "X-Frame-Options": "SAMEORIGIN", "Strict-Transport-Security": "max-age=1" },
  },
});
const anyone = await startServerUnderTest({ web: { http, allowedOrigins: ["*"], allowedHeaders: ["X-Custom"] } });
after(() => Promise.all([plain.close(), listed.close(), anyone.close()]));
const agent = plain.newAgent();

describe("a path that is none", () => {
  for (const path of [
    "/nothing",
    "/",
    "/auth/",
    "/AUTH",
    "/token/",
    "/%61uth",
    "/auth/mock/other",
    "/static",
    "/static/",
    "/static/img/",
    "/staticmain.css",
    "/static/../healthz",
    "/static/%2e%2e/%2e%2e/package.json",
    "/theme/",
    "/auth/%zz",
  ]) {
    it(`${path} is 404 as Dex's router words it`, async () => {
      const { status, headers, body } = await agent.get(path);
      assert.equal(status, 404);
      assert.equal(headers["content-type"], "text/plain; charset=utf-8");
      assert.equal(headers["x-content-type-options"], "nosniff");
      assert.equal(body, "404 page not found\n");
    });
  }

  it("nothing lies outside the issuer's path", async () => {
    for (const url of [
      "http://127.0.0.1:5556/",
      "http://127.0.0.1:5556/auth",
      "http://127.0.0.1:5556//dex/auth",
      "http://127.0.0.1:5556/robots.txt",
    ]) {
      assert.equal((await agent.get(url)).status, 404, url);
    }
  });
});

describe("every answer", () => {
  const paths = [
    "",
    "/keys",
    "/userinfo",
    "/token",
    "/auth",
    "/healthz",
    "/nothing",
    "/static/main.css",
    "/.well-known/openid-configuration",
  ];
  for (const path of paths) {
    it(`of ${path === "" ? "the home page" : path} has the security headers`, async () => {
      const { headers } = await agent.get(path === "" ? plain.issuer : path);
      assert.match(String(headers["content-security-policy"]), /^default-src 'none';.*frame-ancestors 'none'/);
      assert.doesNotMatch(String(headers["content-security-policy"]), /unsafe/);
      assert.equal(headers["x-frame-options"], "DENY");
      assert.equal(headers["x-content-type-options"], "nosniff");
      assert.equal(headers["referrer-policy"], "no-referrer");
      assert.ok(headers["cache-control"] !== undefined);
      assert.match(String(headers["x-trace-id"]), /^[0-9a-f]{32}$/);
      assert.equal(headers["strict-transport-security"], undefined);
      assert.equal(headers["access-control-allow-origin"], undefined);
      assert.equal(headers["x-powered-by"], undefined);
      assert.equal(headers.server, undefined);
    });
  }

  it("has the operator's headers, on static files and 404s as well", async () => {
    for (const path of ["/keys", "/static/main.css", "/nothing"]) {
      const { headers } = await listed.newAgent().get(path);
      assert.equal(headers["x-frame-options"], "SAMEORIGIN");
      assert.equal(headers["strict-transport-security"], "max-age=1");
      assert.equal(headers["referrer-policy"], "no-referrer");
    }
  });

  it("to HEAD is that to GET without its body", async () => {
    for (const path of ["/keys", "/healthz", "/static/main.css", "/nothing", "/userinfo", authPath()]) {
      const [get, head] = [await agent.get(path), await agent.ask(path, { method: "HEAD" })];
      assert.equal(head.status, get.status, path);
      assert.equal(head.body, "");
      assert.equal(head.headers["content-type"], get.headers["content-type"]);
    }
  });

  it("has the trace of the error page in its header", async () => {
    const { headers, body } = await agent.get("/auth");
    assert.equal(/<code id="trace-id">([0-9a-f]{32})<\/code>/.exec(body)?.[1], headers["x-trace-id"]);
  });
});

describe("pages", () => {
  it("run no script and load nothing from elsewhere", async () => {
    for (const page of [
      await agent.get(plain.issuer),
      await agent.get("/auth"),
      await agent.follow(await agent.get(authPath())),
    ]) {
      assert.doesNotMatch(page.body, /<script|javascript:|on(click|load|submit)=|style=/i);
      for (const [, url = ""] of page.body.matchAll(/(?:src|href)="([^"]*)"/g)) {
        assert.doesNotMatch(url, /^(https?:)?\/\/(?!127\.0\.0\.1:5556\/)/, url);
      }
    }
  });

  it("find their style sheets wherever they are", async () => {
    for (const page of [
      await agent.get(plain.issuer),
      await agent.get("/auth"),
      await agent.follow(await agent.get(authPath())),
    ]) {
      const sheets = [
        ...page.body.matchAll(/<(?:link rel="(?:stylesheet|icon)" href|img class="theme-navbar__logo" src)="([^"]*)"/g),
      ];
      assert.equal(sheets.length, 4);
      for (const [, href = ""] of sheets) {
        assert.equal((await agent.get(new URL(href, page.url).href)).status, 200, `${href} on ${page.url.pathname}`);
      }
    }
  });
});

describe("static files", () => {
  for (const [path, type] of [
    ["/static/main.css", "text/css; charset=utf-8"],
    ["/static/img/oidc-icon.svg", "image/svg+xml"],
    ["/theme/styles.css", "text/css; charset=utf-8"],
    ["/theme/logo.png", "image/png"],
    ["/theme/favicon.png", "image/png"],
  ] as const) {
    it(`${path} is there, may be kept, and is not sent twice`, async () => {
      const { status, headers } = await agent.get(path);
      assert.equal(status, 200);
      assert.equal(headers["content-type"], type);
      assert.match(String(headers["cache-control"]), /max-age=\d+/);
      const again = await agent.ask(path, { headers: { "if-none-match": String(headers.etag) } });
      assert.equal(again.status, 304);
      assert.equal(again.body, "");
      assert.equal((await agent.ask(path, { method: "POST", form: {} })).status, 405);
    });
  }

  it("robots.txt keeps search engines away", async () => {
    const { status, headers, body } = await agent.get("/robots.txt");
    assert.equal(status, 200);
    assert.equal(headers["content-type"], "text/plain; charset=utf-8");
    assert.match(body, /^User-agent: \*\nDisallow: \/\n?$/);
  });
});

describe("health", () => {
  it("is told in Dex's words", async () => {
    const { status, headers, body } = await agent.get("/healthz");
    assert.equal(status, 200);
    assert.match(String(headers["content-type"]), /^text\/plain/);
    assert.equal(body, "Health check passed");
  });
});

describe("CORS", () => {
  const spa = listed.newAgent();
  const preflight = (headers: Readonly<Record<string, string>>) => ({ method: "OPTIONS", headers });
  const origin = "https://spa.example";

  it("is off without allowedOrigins: OPTIONS reaches the endpoint", async () => {
    const answer = await agent.ask("/token", preflight({ origin, "access-control-request-method": "POST" }));
    assert.equal(answer.status, 400);
    assert.equal(answer.headers["access-control-allow-origin"], undefined);
  });

  for (const path of ["/.well-known/openid-configuration", "/keys", "/token", "/userinfo"]) {
    it(`lets an allowed origin read ${path}, errors too, and varies by origin`, async () => {
      const answer = await spa.ask(path, { headers: { origin } });
      assert.equal(answer.headers["access-control-allow-origin"], origin);
      assert.match(String(answer.headers.vary), /\bOrigin\b/);
      assert.equal(answer.headers["access-control-allow-credentials"], undefined);
    });

    it(`lets no other origin read ${path}`, async () => {
      for (const other of [
        "https://evil.example",
        "https://spa.example.evil.example",
        "https://SPA.example",
        "null",
        "http://spa.example",
      ]) {
        const answer = await spa.ask(path, { headers: { origin: other } });
        assert.equal(answer.headers["access-control-allow-origin"], undefined);
        assert.match(String(answer.headers.vary), /\bOrigin\b/);
      }
    });

    it(`answers the preflight for ${path}`, async () => {
      const answer = await spa.ask(
        path,
        preflight({
          origin,
          "access-control-request-method": "POST",
          "access-control-request-headers": "authorization, accept",
        }),
      );
      assert.equal(answer.status, 200);
      assert.equal(answer.body, "");
      assert.equal(answer.headers["access-control-allow-origin"], origin);
      assert.equal(answer.headers["access-control-allow-headers"], "Authorization");
    });
  }

  it("refuses a preflight as Dex does", async () => {
    const wish = { origin, "access-control-request-method": "POST" };
    assert.equal((await spa.ask("/token", preflight({ origin }))).status, 400);
    assert.equal(
      (await spa.ask("/token", preflight({ ...wish, "access-control-request-method": "DELETE" }))).status,
      405,
    );
    assert.equal(
      (await spa.ask("/token", preflight({ ...wish, "access-control-request-headers": "X-Custom" }))).status,
      403,
    );
    const foreign = await spa.ask("/token", preflight({ ...wish, origin: "https://evil.example" }));
    assert.deepEqual([foreign.status, foreign.headers["access-control-allow-origin"]], [200, undefined]);
  });

  it("allows every origin under *, and the configured headers instead of the default", async () => {
    const other = anyone.newAgent();
    const { access_token } = await signIn(other);
    const answer = await other.ask("/userinfo", { headers: { origin, authorization: `Bearer ${access_token}` } });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["access-control-allow-origin"], "*");
    const wish = { origin, "access-control-request-method": "GET" };
    assert.equal(
      (await other.ask("/userinfo", preflight({ ...wish, "access-control-request-headers": "X-Custom" }))).status,
      200,
    );
    assert.equal(
      (await other.ask("/userinfo", preflight({ ...wish, "access-control-request-headers": "Authorization" }))).status,
      403,
    );
  });

  for (const path of [
    "/auth",
    "/auth/mock",
    "/auth/mock/login",
    "/callback",
    "/approval",
    "/healthz",
    "/static/main.css",
  ]) {
    it(`is not on ${path}, which is for people`, async () => {
      assert.equal((await spa.ask(path, { headers: { origin } })).headers["access-control-allow-origin"], undefined);
    });
  }
});
