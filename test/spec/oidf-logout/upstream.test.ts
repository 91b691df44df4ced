/** A logout goes up to where the person signed in, and comes down from there: two servers of ours, one above the other. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { freePort } from "../../peer/peer.ts";
import { authorize, codeOf, queryOf, redeem, tokensOf } from "../relying-party.ts";
import { appClient, passwordConnector, startServerUnderTest } from "../server-under-test.ts";
import type { Answer, UserAgent } from "../user-agent.ts";
import { afterLogout, assertLoggedOutPage } from "./a-session.ts";

const [upPort, downPort] = [await freePort(), await freePort()];
const [upIssuer, downIssuer] = [`http://127.0.0.1:${upPort}/up`, `http://127.0.0.1:${downPort}/down`];
const up = await startServerUnderTest(
  {
    issuer: upIssuer,
    web: { http: `127.0.0.1:${upPort}` },
    connectors: [passwordConnector],
    staticClients: [
      {
        id: "dex",
        name: "Dex below",
        secret: "dex-secret",
        redirectURIs: [`${downIssuer}/callback`],
        postLogoutRedirectURIs: [`${downIssuer}/logout/callback`],
        backchannelLogoutURI: `${downIssuer}/logout/upstream/above`,
      },
    ],
  },
  { sessions: true },
);
const down = await startServerUnderTest(
  {
    issuer: downIssuer,
    web: { http: `127.0.0.1:${downPort}` },
    connectors: [
      {
        type: "oidc",
        id: "above",
        name: "Above",
        config: {
          issuer: upIssuer,
          clientID: "dex",
          clientSecret: "dex-secret",
          redirectURI: `${downIssuer}/callback`,
          insecureSkipEmailVerified: true,
          scopes: ["profile", "email"],
        },
      },
    ],
    staticClients: [{ ...appClient, postLogoutRedirectURIs: [afterLogout] }],
  },
  { sessions: true, clock: up.clock },
);
after(async () => {
  await down.close();
  await up.close();
});

/** One person's browser at both. */
interface Person {
  readonly above: UserAgent;
  readonly below: UserAgent;
}

async function logIn(): Promise<Person & { readonly idToken: string }> {
  const [above, below] = [up.newAgent(), down.newAgent()];
  const away = await authorize(below);
  const awayTo = addressOf(away, `${upIssuer}/`);
  const form = await above.follow(await above.get(awayTo));
  const back = await above.follow(await above.post(form.url.href, { login: "kilgore", password: "trout" }));
  const backTo = addressOf(back, `${downIssuer}/callback`);
  const answer = await below.follow(await below.get(backTo));
  const { id_token: idToken = "" } = tokensOf(await redeem(below, codeOf(answer)));
  return { above, below, idToken };
}

/** Where the browser is sent, which begins with `prefix`. */
function addressOf({ location, body }: Answer, prefix: string): string {
  assert.ok(location !== undefined && location.href.startsWith(prefix), `${location} ${body}`);
  return location.href;
}

const isSignedIn = async (agent: UserAgent): Promise<boolean> => !/not logged in/.test((await agent.get("")).body);

describe("a logout below", () => {
  it("ends here at once, leads the person up, and comes back to the application", async () => {
    const { above, below, idToken } = await logIn();
    const asked = { id_token_hint: idToken, post_logout_redirect_uri: afterLogout, state: "s" };
    const leaving = await below.get(`/logout?${queryOf(asked)}`);
    assert.equal(leaving.status, 303);
    const leavingTo = addressOf(leaving, `${upIssuer}/logout?`);
    assert.equal(await isSignedIn(below), false);
    assert.equal(await isSignedIn(above), true);
    const back = await above.get(leavingTo);
    const backTo = addressOf(back, `${downIssuer}/logout/callback?state=`);
    assert.equal(await isSignedIn(above), false);
    const arrived = await below.get(backTo);
    assert.equal(arrived.headers.location, `${afterLogout}&state=s`);
    // Once: the address proves nothing to anybody else, or twice.
    assert.equal((await below.get(backTo)).status, 400);
    assert.equal((await down.newAgent().get(backTo)).status, 400);
  });

  it("says on its page that the session above has ended as well", async () => {
    const { above, below, idToken } = await logIn();
    const leaving = await below.get(`/logout?${queryOf({ id_token_hint: idToken })}`);
    const back = await above.get(leaving.location?.href ?? "");
    const page = await below.get(back.location?.href ?? "");
    assertLoggedOutPage(page);
    assert.match(page.body, /Your login at <bdi>Above<\/bdi> has ended too/);
  });
});

describe("a logout above", () => {
  it("ends the session that stands on it, and no other of the same person", async () => {
    const [one, two] = [await logIn(), await logIn()];
    const page = await one.above.get("/logout");
    const confirm = /name="confirm" value="([^"]*)"/.exec(page.body)?.[1] ?? "";
    assertLoggedOutPage(await one.above.post("/logout", { confirm }));
    assert.equal(await isSignedIn(one.below), false);
    assert.equal(await isSignedIn(two.below), true);
  });

  it("is believed from nobody else", async () => {
    const { below } = await logIn();
    const anybody = down.newAgent();
    for (const token of ["", "x", "a.b.c"]) {
      assert.equal((await anybody.post("/logout/upstream/above", { logout_token: token })).status, 400);
    }
    assert.equal((await anybody.post("/logout/upstream/nobody", { logout_token: "x" })).status, 404);
    assert.equal(await isSignedIn(below), true);
  });
});
