/** What a provider says of a person later. OIDC Core §12, RFC 9700 §4.14.2. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { aLogin, asData, clear } from "../../../test/fake/connector-deps.ts";
import { UnavailableError } from "../../kernel/errors.ts";
import type { Identity } from "../contract.ts";
import { identityOf, jane, signedIn, whole } from "./testing/an-upstream.ts";

describe("a refresh", () => {
  it("says who the person is now, with and without an id token", async (t) => {
    const { fake, identity, refresh } = await signedIn(t, { getUserInfo: true });
    fake.people.set("jane", { ...jane, groups: ["changed"], name: "Jane D." });
    const second = await refresh(identity, aLogin());
    assert.deepEqual(identityOf(second).identity, { ...whole, username: "Jane D.", groups: ["changed"] });
    fake.claims = () => undefined;
    assert.ok(second.ok);
    const third = await refresh(second.identity, aLogin());
    assert.equal(identityOf(third).identity.username, "Jane D.");
    assert.equal(identityOf(third).data.IDToken, identityOf(second).data.IDToken, "the last hint stays");
  });

  it("says that the person is gone", async (t) => {
    const { fake, identity, refresh } = await signedIn(t);
    fake.revoke("jane");
    assert.deepEqual(await refresh(identity, aLogin()), { ok: false, reason: "gone" });
  });

  it("says that the person has left the allowed groups", async (t) => {
    const { fake, identity, refresh } = await signedIn(t, { allowedGroups: ["staff"] });
    fake.people.set("jane", { ...jane, groups: [] });
    assert.deepEqual(await refresh(identity, aLogin()), { ok: false, reason: "not_in_required_groups" });
  });

  it("ends nothing while the provider is away", async (t) => {
    const { fake, identity, refresh } = await signedIn(t);
    for (const spoil of [{ status: 503 }, { hang: true }]) {
      fake.next("/token", spoil);
      await assert.rejects(refresh(identity, aLogin()), UnavailableError);
    }
    identityOf(await refresh(identity, aLogin()));
  });

  it("says what it was given before it asks for anything else, and says the same in the end", async (t) => {
    const { fake, identity, refresh } = await signedIn(t, { getUserInfo: true });
    const said: string[] = [];
    const keep = async (data: NonNullable<Identity["connectorData"]>): Promise<void> => {
      assert.equal(fake.heard.at(-1)?.path, "/token");
      said.push(clear(data));
    };
    const result = await refresh(identity, { ...aLogin(), keep });
    assert.deepEqual(said, [clear(result.ok ? result.identity.connectorData : undefined)]);
    assert.notEqual(said[0], clear(identity.connectorData));
  });

  it("asked for many times at once burns no token: the provider is asked once", async (t) => {
    const { fake, identity, refresh } = await signedIn(t);
    fake.next("/token", { delay: 50 });
    const results = await Promise.all(Array.from({ length: 20 }, () => refresh(identity, aLogin())));
    const tokens = new Set(results.map((result) => identityOf(result).data.RefreshToken));
    assert.equal(tokens.size, 1);
    assert.equal(fake.heard.filter(({ form }) => form.get("grant_type") === "refresh_token").length, 1);
    // Who comes a moment later with what was stored before gets the same, and the grant lives.
    const late = await refresh(identity, aLogin());
    assert.deepEqual(new Set([identityOf(late).data.RefreshToken]), tokens);
    assert.ok(late.ok);
    identityOf(await refresh(late.identity, aLogin()));
  });

  it("asks anew each time where tokens do not rotate", async (t) => {
    const { fake, identity, refresh } = await signedIn(t, {}, false);
    for (let turn = 0; turn < 2; turn++) identityOf(await refresh(identity, aLogin()));
    assert.equal(fake.heard.filter(({ form }) => form.get("grant_type") === "refresh_token").length, 2);
  });

  it("reads what Dex stored", async (t) => {
    const { identity, refresh } = await signedIn(t);
    const { RefreshToken } = JSON.parse(clear(identity.connectorData)) as Record<string, string>;
    const stored = { ...identity, connectorData: asData(JSON.stringify({ RefreshToken })) };
    identityOf(await refresh(stored, aLogin()));
    for (const data of ["", "{", '{"RefreshToken":"%"}', '{"RefreshToken":""}', '{"RefreshToken":null}'])
      await assert.rejects(refresh({ ...identity, connectorData: asData(data) }, aLogin()), Error, data);
  });
});
