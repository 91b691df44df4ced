/** The connector against an Active Directory, as Samba is one: its names, its identifiers, its words, its limits. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { aReport, connectorDeps } from "../../../test/fake/connector-deps.ts";
import { missing } from "../../../test/peer/peer.ts";
import { adBase, asa, binder, crowd, sambaPrograms, staff, startSamba } from "../../../test/peer/samba.ts";
import type { Identity, LoginResult } from "../contract.ts";
import { ldap } from "./ldap.ts";
import { ldapSchema } from "./schema.ts";
import { type OpenLdap, openLdap } from "./testing/open-ldap.ts";

const skip = process.getuid?.() === 0 ? missing(sambaPrograms) : "optional: a domain controller needs root";
const samba = skip === false ? await startSamba() : undefined;
const open: OpenLdap[] = [];
after(async () => {
  for (const { connector } of open) await connector.close?.();
  await samba?.stop();
});

interface More {
  readonly userSearch?: object;
  readonly groupSearch?: object;
  readonly [key: string]: unknown;
}

async function start({ userSearch, groupSearch, ...more }: More = {}): Promise<OpenLdap> {
  const opened = await openLdap({
    host: samba?.host,
    startTLS: true,
    rootCA: samba?.caFile,
    bindDN: binder.dn,
    bindPW: binder.password,
    userSearch: {
      // The domain itself, whose searches answer with referrals too.
      baseDN: adBase,
      filter: "(objectClass=user)",
      username: ["sAMAccountName", "userPrincipalName"],
      idAttr: "objectGUID",
      nameAttr: "displayName",
      preferredUsernameAttr: "sAMAccountName",
      ...userSearch,
    },
    groupSearch: {
      baseDN: staff,
      filter: "(objectClass=group)",
      nameAttr: "cn",
      userMatchers: [{ userAttr: "DN", groupAttr: "member", recursionGroupAttr: "member" }],
      ...groupSearch,
    },
    ...more,
  });
  open.push(opened);
  return opened;
}

function identityIn(result: LoginResult): Identity {
  assert.ok(result.ok, JSON.stringify(result));
  return result.identity;
}

const wrong = { ok: false, reason: "wrong_credentials" };

describe("LDAP against Active Directory", { skip }, () => {
  it("knows a person by two names and one objectGUID, and refreshes", async () => {
    const opened = await start();
    const jane = identityIn(await opened.login("jane", "Foo-1234"));
    assert.match(jane.userId, /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
    assert.deepEqual([jane.username, jane.preferredUsername, jane.email], ["Jane Doe", "jane", "janedoe@example.com"]);
    assert.equal(identityIn(await opened.login("jane@ad.example.org", "Foo-1234")).userId, jane.userId);
    assert.equal(identityIn(await opened.refresh(jane)).userId, jane.userId);
  });

  it("writes an objectSid as text", async () => {
    const opened = await start({ userSearch: { idAttr: "objectSid" } });
    assert.match(identityIn(await opened.login("jane", "Foo-1234")).userId, /^S-1-5-21-\d+-\d+-\d+-\d+$/);
  });

  it("finds nested groups by walking and by the rule in chain", async () => {
    for (const matchingRuleInChain of [false, true]) {
      const opened = await start({ groupSearch: { matchingRuleInChain } });
      const { groups } = identityIn(await opened.login("jane", "Foo-1234"));
      assert.deepEqual([...groups].sort(), ["admins", "all", "developers", "staff"]);
    }
  });

  it("takes the rule in chain from an attribute name, as Dex's users write it", async () => {
    const userMatchers = [{ userAttr: "DN", groupAttr: "member:1.2.840.113556.1.4.1941:" }];
    const opened = await start({ groupSearch: { userMatchers } });
    const { groups } = identityIn(await opened.login("jane", "Foo-1234"));
    assert.deepEqual([...groups].sort(), ["admins", "all", "developers", "staff"]);
  });

  it("finds more groups than one answer holds, of a person whose name needs escaping", async () => {
    const opened = await start({ groupSearch: { userMatchers: [{ userAttr: "DN", groupAttr: "member" }] } });
    const identity = identityIn(await opened.login(asa.uid, asa.password));
    assert.equal(identity.username, asa.name);
    assert.equal(identity.groups.length, crowd + 1);
  });

  it("refuses wrong passwords and disabled accounts, and tells the operator which", async () => {
    const opened = await start();
    assert.deepEqual(await opened.login("jane", "wrong"), wrong);
    assert.deepEqual(await opened.login("nobody", "wrong"), wrong);
    assert.deepEqual(await opened.login("gone", "Gone-1234"), wrong);
    const log = opened.log.lines.join("\n");
    assert.match(log, /wrong password/);
    assert.match(log, /the account is disabled/);
  });

  it("says that a password must be changed, to who knows it", async () => {
    const opened = await start();
    assert.deepEqual(await opened.login("late", "Late-1234"), { ok: false, reason: "password_expired" });
    assert.deepEqual(await opened.login("late", "wrong"), wrong);
  });

  it("hands no password to a controller that wants TLS first", async () => {
    const opened = await start({ startTLS: false, insecureNoSSL: true });
    await assert.rejects(opened.login("jane", "Foo-1234"), /strongerAuthRequired/);
  });

  it("tells what time it is to dex connector test", async () => {
    const { told, report } = aReport();
    const settings = ldapSchema.parse({
      ...{ host: samba?.host, startTLS: true, rootCA: samba?.caFile, bindDN: binder.dn, bindPW: binder.password },
      userSearch: { baseDN: staff, filter: "(objectClass=user)", username: "sAMAccountName", nameAttr: "cn" },
    });
    await ldap.diagnose?.(settings, connectorDeps(), report);
    const [, time = ""] = told.flatMap((line) => /^pass clock: (.*)$/.exec(line) ?? []);
    assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60_000, told.join("\n"));
  });
});
