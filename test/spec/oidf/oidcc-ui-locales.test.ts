/** `ui_locales` is honoured where a page is shown, and never an error. OIDC Core §3.1.2.1, §15.1. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { authPath } from "../relying-party.ts";
import { appClient } from "../server-under-test.ts";
import type { Answer } from "../user-agent.ts";
import { complete, everyPlan, startConformance, underPlans } from "./conformance.ts";

const server = await startConformance();
const asking = await startConformance({ staticClients: [appClient], oauth2: { skipApprovalScreen: false } });
const langOf = ({ body }: Answer): string | undefined => /<html lang="([^"]*)">/.exec(body)?.[1];

underPlans("oidcc-ui-locales", everyPlan, async (variant) => {
  await complete(server.newAgent(), variant, { ui_locales: "se" });
  await complete(server.newAgent(), variant, { ui_locales: "de-AT fr" });
});

describe("ui_locales", () => {
  const login = { connector_id: "pw", ui_locales: "fr-CA es", scope: "openid email" };

  it("is the language of the choice, of the form, of a refused attempt and of consent", async () => {
    const agent = asking.newAgent();
    const choice = await agent.get(authPath({ ui_locales: "fr-CA es" }));
    assert.equal(langOf(choice), "fr");
    assert.match(choice.body, /Choisissez comment vous connecter/);
    const form = await agent.follow(await agent.get(authPath(login)));
    assert.equal(langOf(form), "fr");
    assert.match(form.body, /Mot de passe/);
    const refused = await agent.post(form.url.href, { login: "kilgore", password: "wrong" });
    assert.equal(langOf(refused), "fr");
    const consent = await agent.follow(await agent.post(form.url.href, { login: "kilgore", password: "trout" }));
    assert.equal(langOf(consent), "fr");
    assert.match(consent.body, /Autoriser l’accès/);
  });

  it("is the language of the page that posts the answer, and of a refusal by it", async () => {
    const agent = server.newAgent();
    for (const more of [{}, { prompt: "none" }]) {
      const target = authPath({ ui_locales: "es", response_mode: "form_post", connector_id: "mock", ...more });
      assert.equal(langOf(await agent.follow(await agent.get(target))), "es");
    }
  });

  it("gives way to the browser's languages where we speak none of them", async () => {
    const agent = server.newAgent();
    const headers = { "accept-language": "it, de-CH;q=0.8, en;q=0.5" };
    assert.equal(langOf(await agent.ask(authPath({ ui_locales: "xx" }), { headers })), "de");
    assert.equal(langOf(await agent.ask(authPath(), { headers })), "de");
    assert.equal(langOf(await agent.ask(authPath())), "en");
  });

  it("errors are told in the browser's language", async () => {
    const { body } = await server.newAgent().ask("/auth?client_id=nobody", { headers: { "accept-language": "de" } });
    assert.match(body, /<html lang="de">/);
    assert.match(body, /<p class="dex-message">Die Anwendung \(client_id\) ist hier nicht bekannt\.<\/p>/);
  });
});
