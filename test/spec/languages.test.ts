/** What a person reads is in their language, faults and refusals too; what a program reads is not. OIDC Core §3.1.2.1 `ui_locales`. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { app, askToken, assertRefused, authPath, messageOf } from "./relying-party.ts";
import { appClient, passwordConnector, startServerUnderTest } from "./server-under-test.ts";
import type { Answer } from "./user-agent.ts";

const outOfBand = "urn:ietf:wg:oauth:2.0:oob";
const server = await startServerUnderTest(
  {
    oauth2: { skipApprovalScreen: false },
    staticClients: [
      { ...appClient, redirectURIs: [...appClient.redirectURIs, outOfBand] },
      { id: "tv", name: "TV", public: true, redirectURIs: ["/device/callback"] },
    ],
    connectors: [passwordConnector],
    enablePasswordDB: true,
    enableSignup: true,
  },
  { sessions: true },
);
after(() => server.close());

const german = { "accept-language": "de-AT,en;q=0.5" };
const langOf = ({ body }: Answer): string | undefined => /<html lang="([^"]*)">/.exec(body)?.[1];

function assertSays(answer: Answer, status: number, lang: string, message: string): void {
  assert.deepEqual([answer.status, langOf(answer), messageOf(answer)], [status, lang, message]);
}

describe("an error page", () => {
  it("speaks what the client asked for, else what the browser would like, else English", async () => {
    const agent = server.newAgent();
    const unknown = (more: Readonly<Record<string, string>> = {}) => authPath(more, { ...app, id: "nobody" });
    assertSays(await agent.get(unknown()), 400, "en", "Invalid client_id.");
    const liked = await agent.ask(unknown(), { headers: german });
    assertSays(liked, 400, "de", "Die Anwendung (client_id) ist hier nicht bekannt.");
    const asked = await agent.ask(unknown({ ui_locales: "xx fr-CA" }), { headers: german });
    assertSays(asked, 400, "fr", "L’application (client_id) n’est pas connue ici.");
  });

  it("reads the parameter in a form as well, and does without it where nothing can be read", async () => {
    const agent = server.newAgent();
    const posted = await agent.post("/auth", { client_id: "nobody", ui_locales: "es" });
    assertSays(posted, 400, "es", "Aquí no se conoce la aplicación (client_id).");
    const malformed = await agent.ask("/auth?ui_locales=es&x=%zz", { headers: german });
    assertSays(malformed, 400, "de", "Die Anfrage ist nicht lesbar.");
  });

  it("remembers the language through the login: at the form, at consent", async () => {
    const agent = server.newAgent();
    const request = { connector_id: "pw", ui_locales: "es", scope: "openid email" };
    const form = await agent.follow(await agent.get(authPath(request)));
    const strange = await agent.ask(form.url.href, { method: "PUT", headers: german });
    assertSays(strange, 400, "es", "Esta dirección no se puede usar de este modo.");
    const consent = await agent.follow(await agent.post(form.url.href, { login: "kilgore", password: "trout" }));
    assert.equal(langOf(consent), "es");
    const forged = consent.url.href.replace(/hmac=[^&]*/, "hmac=AAAA");
    assertSays(await agent.ask(forged, { headers: german }), 401, "es", "Esta petición no está autorizada.");
  });

  it("tells how long a guesser has to wait", async () => {
    const agent = server.newAgent();
    const form = await agent.follow(await agent.get(authPath({ connector_id: "pw", ui_locales: "fr" })));
    let last: Answer | undefined;
    for (let i = 0; i < 60 && last?.status !== 429; i++) {
      last = await agent.post(form.url.href, { login: "guessed", password: `wrong ${i}` });
    }
    assert.ok(last !== undefined);
    assert.equal(langOf(last), "fr");
    assert.match(messageOf(last), /^Trop de tentatives\. Réessayez dans \d+\u00a0(secondes?|minutes?)\.$/);
  });

  it("says in English, and that it is English, what only the application's maker can use", async () => {
    const answer = await server
      .newAgent()
      .get(authPath({ connector_id: "pw", redirect_uri: outOfBand, scope: "openid nonsense", ui_locales: "de" }));
    const page = answer.location === undefined ? answer : await server.newAgent().follow(answer);
    assertSays(page, 400, "de", "Die Anwendung hat um etwas gebeten, das nicht geht.");
    assert.match(
      page.body,
      /<span class="dex-detail" lang="en" dir="auto">Unrecognized scope\(s\) \[&#34;nonsense&#34;\]</,
    );
  });
});

describe("the other pages", () => {
  it("of device, logout and sign-up speak what their address or the browser says", async () => {
    const agent = server.newAgent();
    const pages = [
      ["/device", "Gerät verbinden"],
      ["/device?user_code=BCDF-GHJK&invalid=true", "Dieser Code ist falsch oder abgelaufen"],
      ["/logout", "Sie waren nicht angemeldet"],
      ["/signup", "Legen Sie Ihr Konto an"],
      ["", "Sie sind nicht angemeldet"],
    ] as const;
    for (const [path, sentence] of pages) {
      const answer = await agent.ask(path, { headers: german });
      assert.deepEqual([path, langOf(answer), answer.body.includes(sentence)], [path, "de", true], answer.body);
      const asked = await agent.ask(`${path}${path.includes("?") ? "&" : "?"}ui_locales=es`, { headers: german });
      assert.equal(langOf(asked), "es", path);
    }
    const wrong = await agent.ask("/device/auth/verify_code", {
      method: "POST",
      form: { user_code: "" },
      headers: german,
    });
    assertSays(wrong, 400, "de", "Es kam kein Code an.");
  });

  it("are reached from a login in the language of that login", async () => {
    const agent = server.newAgent();
    const form = await agent.follow(await agent.get(authPath({ connector_id: "local", ui_locales: "fr" })));
    const link = /href="([^"]*\/signup\?[^"]*)"/.exec(form.body)?.[1]?.replaceAll("&amp;", "&");
    assert.ok(link !== undefined, form.body);
    const signup = await agent.ask(new URL(link, form.url).href, { headers: german });
    assert.equal(langOf(signup), "fr");
    const action = /<form method="post" action="([^"]*)"/.exec(signup.body)?.[1]?.replaceAll("&amp;", "&") ?? "";
    const old = await agent.ask(new URL(action, signup.url).href, { method: "POST", form: {}, headers: german });
    assertSays(old, 403, "fr", "Cette page est périmée. Revenez en arrière, rechargez-la et réessayez.");
  });
});

describe("a program", () => {
  it("reads English, whatever it would like", async () => {
    const agent = server.newAgent();
    assertRefused(
      await askToken(agent, { grant_type: "authorization_code" }),
      "invalid_request",
      "Required param: code.",
    );
    const answer = await agent.ask("/userinfo", { headers: { ...german, authorization: "Bearer x" } });
    assert.match(String(answer.headers["www-authenticate"]), /error="invalid_token", error_description="[A-Z][a-z ]+/);
    assert.doesNotMatch(answer.body, /[äöüß]|ungültig/);
  });
});
