/** The connector against a real OpenLDAP: the cases of Dex's own tests, and those it fails. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, describe, it } from "node:test";
import { aReport, connectorDeps } from "../../../test/fake/connector-deps.ts";
import { missing } from "../../../test/peer/peer.ts";
import { slapdPrograms, startSlapd } from "../../../test/peer/slapd.ts";
import { baseDn, dnOf, groupDn, ldif, manyGroups, odd, service } from "../../../test/peer/slapd-seed.ts";
import { Secret } from "../../kernel/secret.ts";
import type { Identity, LoginResult } from "../contract.ts";
import { ldap } from "./ldap.ts";
import { ldapSchema } from "./schema.ts";
import { messagesOf, type OpenLdap, openLdap } from "./testing/open-ldap.ts";

type Block = Readonly<Record<string, unknown>>;

const skip = missing(slapdPrograms);
const slapd = skip === false ? await startSlapd() : undefined;
const open: OpenLdap[] = [];
after(async () => {
  for (const { connector } of open) await connector.close?.();
  await slapd?.stop();
});

const userSearch = {
  baseDN: `ou=People,${baseDn}`,
  username: "uid",
  idAttr: "DN",
  emailAttr: "mail",
  nameAttr: "cn",
};
const groupSearch = {
  baseDN: `ou=Groups,${baseDn}`,
  nameAttr: "cn",
  userMatchers: [{ userAttr: "DN", groupAttr: "member" }],
};

interface More {
  readonly userSearch?: Block;
  readonly groupSearch?: Block;
  readonly [key: string]: unknown;
}

async function start({ userSearch: users, groupSearch: groups, ...more }: More = {}): Promise<OpenLdap> {
  const opened = await openLdap({
    host: `127.0.0.1:${slapd?.port}`,
    insecureNoSSL: true,
    bindDN: service.dn,
    bindPW: service.password,
    userSearch: { ...userSearch, ...users },
    groupSearch: { ...groupSearch, ...groups },
    ...more,
  });
  open.push(opened);
  return opened;
}

function identityIn(result: LoginResult): Identity {
  assert.ok(result.ok, JSON.stringify(result));
  return result.identity;
}

/** Logs in, and checks that a refresh says the same. */
async function whoIs(opened: OpenLdap, username: string, password: string): Promise<Identity> {
  const identity = identityIn(await opened.login(username, password));
  const again = identityIn(await opened.refresh(identity));
  assert.deepEqual({ ...again, connectorData: undefined }, { ...identity, connectorData: undefined });
  assert.deepEqual(again.connectorData?.reveal(), identity.connectorData?.reveal());
  return identity;
}

const groupsOf = async (more: More, username: string, password: string): Promise<readonly string[]> =>
  (await whoIs(await start(more), username, password)).groups;

const wrong = { ok: false, reason: "wrong_credentials" };

describe("LDAP against OpenLDAP", { skip }, () => {
  it("says who somebody is", async () => {
    const jane = await whoIs(await start(), "jane", "foo");
    assert.deepEqual(
      { ...jane, connectorData: undefined },
      {
        userId: dnOf("jane"),
        username: "jane",
        email: "janedoe@example.com",
        emailVerified: true,
        groups: ["admins", "developers"],
        connectorData: undefined,
      },
    );
  });

  it("refuses a wrong password, an unknown name, and what only looks like one", async () => {
    const opened = await start();
    for (const [username, password] of [
      ["jane", "bar"],
      ["nobody", "foo"],
      ["", "foo"],
      ["a*", "foo"],
      ["*", "foo"],
      ["jan*", "foo"],
      ["jane)(uid=*", "foo"],
      ["x)(|(uid=*", "foo"],
      ["\\6aane", "foo"],
      ["jane\0", "foo"],
      ["jane", "*"],
      ["jane", "foo\0"],
      ["jane", " foo"],
      ["jane", ""],
      ["\ud800", "foo"],
    ] as const) {
      assert.deepEqual(await opened.login(username, password), wrong, JSON.stringify([username, password]));
    }
  });

  it("knows a person by a name with every reserved character", async () => {
    const opened = await start({ userSearch: { preferredUsernameAttr: "uid", nameAttr: "displayName" } });
    const identity = await whoIs(opened, odd.uid, odd.password);
    assert.equal(identity.preferredUsername, odd.uid);
    assert.equal(identity.username, odd.name);
    assert.deepEqual(identity.groups, [odd.group]);
    assert.deepEqual(await opened.login(odd.uid, "x"), wrong);
  });

  it("walks up from a group with reserved characters in its name", async () => {
    const userMatchers = [{ userAttr: "DN", groupAttr: "member", recursionGroupAttr: "member" }];
    assert.deepEqual(await groupsOf({ groupSearch: { userMatchers } }, odd.uid, odd.password), [
      odd.group,
      "of the odd one's group",
    ]);
  });

  it("makes an address from the name and a suffix", async () => {
    const opened = await start({ userSearch: { emailSuffix: "test.example.com" } });
    assert.equal((await whoIs(opened, "nomail", "foo")).email, "nomail@test.example.com");
  });

  it("says which attributes are missing", async () => {
    const opened = await start({ userSearch: { preferredUsernameAttr: "street" } });
    const missingBoth = 'missing following required attribute(s): ["street" "mail"]';
    await assert.rejects(opened.login("nomail", "foo"), ({ message }: Error) => message.endsWith(missingBoth));
  });

  it("has uid and mail as defaults, which Dex only documents", async () => {
    const opened = await start({ userSearch: { idAttr: "", emailAttr: "" } });
    const jane = await whoIs(opened, "jane", "foo");
    assert.deepEqual([jane.userId, jane.email], ["jane", "janedoe@example.com"]);
  });

  it("finds an attribute whatever its case", async () => {
    const opened = await start({ userSearch: { idAttr: "UID", emailAttr: "MAIL" } });
    assert.equal((await whoIs(opened, "jane", "foo")).userId, "jane");
  });

  it("tells two of one name apart by the filter, and refuses without", async () => {
    const both = { baseDN: baseDn };
    await assert.rejects((await start({ userSearch: both })).login("twice", "foo"), /filter returned multiple/);
    const filtered = await start({ userSearch: { ...both, filter: "(ou:dn:=Seattle)" } });
    assert.equal((await whoIs(filtered, "twice", "foo")).email, "twice2@example.com");
  });

  it("looks below the base alone with scope one", async () => {
    const opened = await start({ userSearch: { baseDN: baseDn, scope: "one" } });
    assert.deepEqual(await opened.login("jane", "foo"), wrong);
  });

  it("takes any of several attributes for the name", async () => {
    const opened = await start({ userSearch: { username: ["cn", "mail"] } });
    const ids = [await whoIs(opened, "jane", "foo"), await whoIs(opened, "janedoe@example.com", "foo")];
    assert.deepEqual(
      ids.map(({ userId }) => userId),
      [dnOf("jane"), dnOf("jane")],
    );
  });

  it("never touches a search base that does not exist", async () => {
    const nowhere = `ou=Nowhere,${baseDn}`;
    await assert.rejects((await start({ userSearch: { baseDN: nowhere } })).login("jane", "foo"), /noSuchObject/);
    assert.deepEqual(await groupsOf({ groupSearch: { baseDN: nowhere } }, "jane", "foo"), []);
  });

  it("asks for no groups when nobody wants them", async () => {
    const opened = await start();
    const result = await opened.login("jane", "foo", { scopes: { offlineAccess: false, groups: false } });
    assert.deepEqual(identityIn(result).groups, []);
    assert.equal(identityIn(result).connectorData, undefined);
  });

  it("binds anonymously when no name is configured", async () => {
    assert.deepEqual(await groupsOf({ bindDN: "", bindPW: "" }, "jane", "foo"), ["admins", "developers"]);
  });

  it("says that its own password is wrong, and not that the person's is", async () => {
    const opened = await start({ bindPW: "not-the-password" });
    await assert.rejects(opened.login("jane", "foo"), /initial bind for user "cn=readonly,.*" failed/);
  });

  it("logs no password, neither a right nor a wrong one, nor its own", async () => {
    const opened = await start({ bindPW: "wrong-service-secret" });
    const caught = await opened.login("jane", "person-secret").catch((error: unknown) => error);
    const good = await start();
    await good.login("jane", "person-secret");
    const said = [...messagesOf(caught), ...opened.log.lines, ...good.log.lines].join("\n");
    assert.ok(!/person-secret|wrong-service-secret|readonly\b(?!,)/.test(said), said);
  });
});

describe("groups in OpenLDAP", { skip }, () => {
  const posix = `ou=PosixGroups,${baseDn}`;
  const nested = { userAttr: "DN", groupAttr: "member", recursionGroupAttr: "member" };

  it("are found for each value of an attribute", async () => {
    const matcher = { baseDN: posix, userMatchers: [{ userAttr: "departmentNumber", groupAttr: "gidNumber" }] };
    assert.deepEqual(await groupsOf({ groupSearch: matcher }, "jane", "foo"), ["p-admins", "p-developers"]);
    assert.deepEqual(await groupsOf({ groupSearch: matcher }, "john", "bar"), ["p-admins", "p-designers"]);
  });

  it("are limited by a filter", async () => {
    assert.deepEqual(await groupsOf({ groupSearch: { filter: "(cn=dev*)" } }, "jane", "foo"), ["developers"]);
  });

  it("are those of all matchers, doubles kept, as Dex has them", async () => {
    const userMatchers = [
      { userAttr: "DN", groupAttr: "member" },
      { userAttr: "uid", groupAttr: "memberUid" },
      { userAttr: "uid", groupAttr: "memberUid" },
    ];
    assert.deepEqual(
      await groupsOf({ groupSearch: { baseDN: baseDn, filter: "(!(ou:dn:=Nested))", userMatchers } }, "jane", "foo"),
      ["admins", "developers", "twin", "twin", "frontend", "frontend"],
    );
  });

  it("are found with the old keys, which are said to be old", async () => {
    const old = { userMatchers: [], userAttr: "DN", groupAttr: "member" };
    const opened = await start({ groupSearch: old });
    assert.deepEqual((await whoIs(opened, "jane", "foo")).groups, ["admins", "developers"]);
    assert.match(opened.log.lines.join("\n"), /use "groupSearch.userMatchers" option/);
  });

  it("in a circle end, each named once", async () => {
    const search = { baseDN: `ou=Nested,${baseDn}`, userMatchers: [nested] };
    assert.deepEqual(await groupsOf({ groupSearch: search }, "jane", "foo"), [
      "childGroup",
      "circularGroup1",
      "circularGroup2",
      "intermediateGroup",
      "parentGroup",
    ]);
    assert.deepEqual(await groupsOf({ groupSearch: search }, "john", "bar"), [
      "circularGroup2",
      "intermediateGroup",
      "circularGroup1",
      "parentGroup",
    ]);
  });

  it("of one name both have parents", async () => {
    const search = { baseDN: `ou=Twins,${baseDn}`, userMatchers: [nested] };
    assert.deepEqual(await groupsOf({ groupSearch: search }, "jane", "foo"), [
      "twin",
      "parent of one",
      "parent of two",
    ]);
  });

  it("are walked by hand where the server is no Active Directory", async () => {
    const search = { baseDN: `ou=Twins,${baseDn}`, userMatchers: [nested], matchingRuleInChain: true };
    assert.equal((await groupsOf({ groupSearch: search }, "jane", "foo")).length, 3);
  });

  it("may be known by their DN", async () => {
    assert.deepEqual(await groupsOf({ groupSearch: { nameAttr: "DN" } }, "jane", "foo"), [
      groupDn("admins"),
      groupDn("developers"),
    ]);
  });

  it("without a name are an error", async () => {
    const opened = await start({ groupSearch: { nameAttr: "description" } });
    await assert.rejects(opened.login("jane", "foo"), /missing required attribute "description"/);
  });

  it(`may be ${manyGroups}`, async () => {
    for (const userMatchers of [[{ userAttr: "DN", groupAttr: "member" }], [nested]]) {
      const opened = await start({ groupSearch: { baseDN: `ou=Many,${baseDn}`, userMatchers } });
      const { groups } = identityIn(await opened.login("popular", "foo"));
      assert.equal(groups.length, manyGroups);
      assert.equal(new Set(groups).size, manyGroups);
    }
  });
});

describe("passwords in OpenLDAP", { skip }, () => {
  it("that have expired are told from wrong ones, to who knows them", async () => {
    const opened = await start();
    assert.deepEqual(await opened.login("old", "foo"), { ok: false, reason: "password_expired" });
    assert.deepEqual(await opened.login("old", "bar"), wrong);
  });

  it("do not help a locked account, and only the operator learns why", async () => {
    const opened = await start();
    assert.deepEqual(await opened.login("locked", "foo"), wrong);
  });
});

describe("a refresh in OpenLDAP", { skip }, () => {
  it("reads what Dex stored", async () => {
    const opened = await start();
    const dexData = {
      username: "jane",
      entry: {
        DN: dnOf("jane").toUpperCase().replaceAll(",", ", "),
        Attributes: [{ Name: "uid", Values: ["jane"], ByteValues: ["amFuZQ=="] }],
      },
    };
    const identity: Identity = {
      userId: dnOf("jane"),
      username: "",
      emailVerified: true,
      groups: [],
      connectorData: new Secret(Buffer.from(JSON.stringify(dexData))),
    };
    assert.deepEqual(identityIn(await opened.refresh(identity)).groups, ["admins", "developers"]);
  });

  it("ends for data that it cannot read", async () => {
    const opened = await start();
    const identity: Identity = { userId: dnOf("jane"), username: "", emailVerified: true, groups: [] };
    for (const text of [undefined, "", "{", "null", '{"username":1}', '{"username":"jane","entry":{}}']) {
      const connectorData = text === undefined ? {} : { connectorData: new Secret(Buffer.from(text)) };
      assert.deepEqual(await opened.refresh({ ...identity, ...connectorData }), { ok: false, reason: "gone" });
    }
  });

  it("sees changed groups, a changed address, a moved entry and a person who has left", async () => {
    const opened = await start();
    const identity = identityIn(await opened.login("leaver", "foo"));
    assert.deepEqual(identity.groups, []);
    const dn = dnOf("leaver");
    await slapd?.modify(`dn: ${groupDn("developers")}\nchangetype: modify\nadd: member\nmember: ${dn}\n`);
    await slapd?.modify(`dn: ${dn}\nchangetype: modify\nreplace: mail\nmail: new@example.com\n`);
    const changed = identityIn(await opened.refresh(identity));
    assert.deepEqual([changed.groups, changed.email], [["developers"], "new@example.com"]);
    const narrow = await opened.refresh(identity, { scopes: { offlineAccess: true, groups: false } });
    assert.deepEqual(identityIn(narrow).groups, []);

    await slapd?.modify(`dn: ${dn}\nchangetype: modrdn\nnewrdn: cn=moved\ndeleteoldrdn: 1\n`);
    assert.deepEqual(await opened.refresh(identity), { ok: false, reason: "gone" });
    await slapd?.modify(`dn: ${dnOf("moved")}\nchangetype: delete\n`);
    assert.deepEqual(await opened.refresh(identity), { ok: false, reason: "gone" });
    const again = ldif([
      {
        dn,
        attributes: { objectClass: "inetOrgPerson", cn: "leaver", sn: "New", uid: "leaver", mail: "n@example.com" },
      },
    ]);
    await slapd?.modify(again.replace("\n", "\nchangetype: add\n"));
    // With the DN as id the new one is the old one; with an id that is never reused, not.
    assert.equal((await opened.refresh(identity)).ok, true);
    const byId = await start({ userSearch: { idAttr: "mail" } });
    assert.deepEqual(await byId.refresh({ ...identity, userId: "leaver@example.com" }), { ok: false, reason: "gone" });
  });
});

describe("TLS to OpenLDAP", { skip }, () => {
  const secure = (more: More) => ({ insecureNoSSL: false, rootCA: slapd?.caFile, ...more });

  it("is spoken at once, or after StartTLS", async () => {
    const atOnce = await start(secure({ host: `127.0.0.1:${slapd?.tlsPort}` }));
    assert.equal((await whoIs(atOnce, "jane", "foo")).username, "jane");
    const later = await start(secure({ startTLS: true }));
    assert.equal((await whoIs(later, "jane", "foo")).username, "jane");
    const data = readFileSync(slapd?.caFile ?? "").toString("base64");
    const inline = await start({ startTLS: true, rootCAData: data.replace(/(.{60})/g, "$1\n") });
    assert.equal((await whoIs(inline, "jane", "foo")).username, "jane");
  });

  it("wins where insecureNoSSL is set too", async () => {
    const opened = await start({ insecureNoSSL: true, startTLS: true });
    const error = await opened.login("jane", "foo").catch((caught: unknown) => caught);
    assert.match(messagesOf(error).join("\n"), /certificate/);
    assert.match(opened.log.lines.join("\n"), /insecureNoSSL and startTLS are both set/);
  });

  it("refuses a certificate of somebody else, unless told to accept any", async () => {
    for (const more of [{ startTLS: true }, { host: `127.0.0.1:${slapd?.tlsPort}` }]) {
      const strict = await start({ insecureNoSSL: false, ...more });
      const error = await strict.login("jane", "foo").catch((caught: unknown) => caught);
      assert.match(messagesOf(error).join("\n"), /certificate/);
      const lax = await start({ insecureNoSSL: false, insecureSkipVerify: true, ...more });
      assert.equal((await whoIs(lax, "jane", "foo")).username, "jane");
    }
  });

  it("shows its own certificate where the server wants one", async (t) => {
    const demanding = await startSlapd({ verifyClient: "demand" });
    t.after(() => demanding.stop());
    const at = { insecureNoSSL: false, rootCA: demanding.caFile, host: `127.0.0.1:${demanding.tlsPort}` };
    await assert.rejects((await start(at)).login("jane", "foo"));
    const { clientCert, clientKey } = demanding;
    assert.equal((await whoIs(await start({ ...at, clientCert, clientKey }), "jane", "foo")).username, "jane");
  });

  it("says which file cannot be read", async () => {
    await assert.rejects(start(secure({ rootCA: "/nowhere/ca.crt" })), /ldap: read ca file: /);
    await assert.rejects(start(secure({ rootCA: import.meta.filename })), /ldap: no certs found in ca file/);
    await assert.rejects(
      start(secure({ clientCert: "/nowhere", clientKey: "/nowhere" })),
      /ldap: load client cert failed/,
    );
  });
});

describe("dex connector test, asked of OpenLDAP", { skip }, () => {
  async function facts(more: More = {}): Promise<readonly string[]> {
    const { userSearch: users, groupSearch: groups, ...rest } = more;
    const { report, told } = aReport();
    const settings = ldapSchema.parse({
      host: `127.0.0.1:${slapd?.port}`,
      insecureNoSSL: true,
      bindDN: service.dn,
      bindPW: service.password,
      userSearch: { ...userSearch, ...users },
      groupSearch: { ...groupSearch, ...groups },
      ...rest,
    });
    const deps = connectorDeps();
    await ldap.diagnose?.(settings, deps, report);
    return told.filter((line) => !line.startsWith("pass address"));
  }

  it("binds and shows one entry of each search with what is read of it", async () => {
    const told = await facts();
    assert.equal(told[0], `pass bind: as ${service.dn}`);
    assert.match(told[1] ?? "", /^(pass|warn) user search: .*ou=People/);
    assert.match(told[2] ?? "", /^pass group search: .*ou=Groups.*every attribute/);
  });

  it("names what is wrong: the account, a base, a filter that finds nobody, an attribute that is not there", async () => {
    assert.match((await facts({ bindPW: "wrong" }))[0] ?? "", /^fail bind: .*49/);
    assert.match(
      (await facts({ userSearch: { baseDN: "ou=Nowhere,dc=example,dc=org" } }))[1] ?? "",
      /^fail user search: .*32/,
    );
    assert.match(
      (await facts({ userSearch: { filter: "(uid=nobody-at-all)" } }))[1] ?? "",
      /^warn user search: no entry/,
    );
    assert.match(
      (await facts({ userSearch: { emailAttr: "facsimile" } }))[1] ?? "",
      /^warn user search: .*it has no facsimile/,
    );
  });
});
