import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createBcryptPool } from "../../kernel/bcrypt-pool.ts";
import { Secret } from "../../kernel/secret.ts";
import type { Password } from "../../storage/records.ts";
import type { Identity, Login } from "../contract.ts";
import { openLocal } from "./local.ts";

const bcrypt = createBcryptPool({ threads: 1, maxQueue: 50 });
after(() => bcrypt.close());

const passwordHash = "$2a$10$2b2cU8CPhOTaGrs1HRQuAueS7JTT5ZHsHSzYiFPm1leZck7Mc8T4W";

const aPassword = ({
  hash = passwordHash,
  ...rest
}: Partial<Omit<Password, "hash">> & { hash?: string } = {}): Password => ({
  email: "admin@example.com",
  hash: new Secret(Buffer.from(hash)),
  username: "admin",
  name: "",
  preferredUsername: "",
  userId: "08a8684b-db88-4b73-90a9-3cd1661f5466",
  groups: [],
  ...rest,
});

/** The connector over these records, and the hashes it had compared. */
function aLocal(...stored: readonly Password[]) {
  const compared: string[] = [];
  const byEmail = new Map(stored.map((password) => [password.email, password]));
  const connector = openLocal({
    passwords: { get: async (email) => byEmail.get(email) },
    bcrypt: {
      compare: (password, hash, signal) => {
        compared.push(hash);
        return bcrypt.compare(password, hash, signal);
      },
    },
  });
  return { connector, compared };
}

const aLogin = (): Login => ({
  scopes: { offlineAccess: false, groups: false },
  trail: { note: () => undefined },
  signal: new AbortController().signal,
});
const right = new Secret("password");
const wrong = { ok: false, reason: "wrong_credentials" };

const identity: Identity = {
  userId: "08a8684b-db88-4b73-90a9-3cd1661f5466",
  username: "admin",
  email: "admin@example.com",
  emailVerified: true,
  groups: [],
};

test("asks for an email address and knows Dex's example user, in any case", async () => {
  const { connector } = aLocal(aPassword());
  assert.equal(connector.prompt, "Email Address");
  assert.deepEqual(await connector.login("Admin@Example.COM", right, aLogin()), { ok: true, identity });
});

test("an unknown user costs what the last known one did, whatever the operator's hashes cost", async () => {
  const { connector, compared } = aLocal(aPassword({ hash: `$2b$12$${".".repeat(53)}` }));
  for (const email of ["nobody@example.com", "admin@example.com", "nobody@example.com", "other@example.com"]) {
    assert.deepEqual(await connector.login(email, right, aLogin()), wrong);
  }
  assert.deepEqual(
    compared.map((hash) => hash.slice(4, 6)),
    ["10", "12", "12", "12"],
  );
});

test("maps every field, prefers the name to the user name, and knows unverified addresses", async () => {
  const { connector } = aLocal(
    aPassword({ name: "Ada Admin", preferredUsername: "ada", emailVerified: false, groups: ["a", "b"] }),
  );
  assert.deepEqual(await connector.login("admin@example.com", right, aLogin()), {
    ok: true,
    identity: {
      ...identity,
      username: "Ada Admin",
      preferredUsername: "ada",
      emailVerified: false,
      groups: ["a", "b"],
    },
  });
});

test("takes name and password literally", async () => {
  const { connector } = aLocal(aPassword());
  for (const [name, password] of [
    ["admin@example.com", "Password"],
    ["admin@example.com", ""],
    ["admin@example.com", " password"],
    ["admin@example.com", "password\0"],
    [" admin@example.com", "password"],
    ["", "password"],
    ["admin", "password"],
  ] as const) {
    assert.deepEqual(
      await connector.login(name, new Secret(password), aLogin()),
      wrong,
      JSON.stringify([name, password]),
    );
  }
});

test("an unknown user costs one comparison of cost ten, as a known one does", async () => {
  const { connector, compared } = aLocal(aPassword());
  assert.deepEqual(await connector.login("nobody@example.com", right, aLogin()), wrong);
  assert.deepEqual(await connector.login("admin@example.com", new Secret("x"), aLogin()), wrong);
  assert.equal(compared.length, 2);
  for (const hash of compared) assert.match(hash, /^\$2a\$10\$[./A-Za-z0-9]{53}$/);
  assert.notEqual(compared[0], passwordHash);
});

test("a hash too cheap, too dear or unreadable is a fault and no wrong password", async () => {
  const withCost = (cost: string): string => passwordHash.replace("$10$", `$${cost}$`);
  const cases: readonly (readonly [string, RegExp])[] = [
    [withCost("04"), /^Error: given hash cost = 4 does not meet minimum cost requirement = 10$/],
    [withCost("09"), /^Error: given hash cost = 9 does not meet minimum cost requirement = 10$/],
    [withCost("17"), /^Error: given hash cost = 17 is above upper bound cost = 16, recommended cost = 12$/],
    [withCost("31"), /^Error: given hash cost = 31 is above/],
    ["", /^Error: parsing bcrypt hash: /],
    ["password", /^Error: parsing bcrypt hash: /],
    [passwordHash.slice(0, -1), /^Error: parsing bcrypt hash: /],
  ];
  for (const [hash, message] of cases) {
    const { connector, compared } = aLocal(aPassword({ hash }));
    await assert.rejects(connector.login("admin@example.com", right, aLogin()), message);
    assert.deepEqual(compared, [], "nothing that dear may be computed");
  }
});

test("a fault of the store or of the pool is thrown, not taken for a wrong password", async () => {
  const fault = new Error("storage is away");
  const noStore = openLocal({ passwords: { get: () => Promise.reject(fault) }, bcrypt });
  await assert.rejects(noStore.login("admin@example.com", right, aLogin()), fault);
  await assert.rejects(noStore.refresh?.(identity, aLogin()) ?? Promise.resolve(), fault);
});

test("a refresh reads everything anew but the address", async () => {
  const renamed = aPassword({ name: "New Name", preferredUsername: "new", emailVerified: false, groups: ["g"] });
  const { connector, compared } = aLocal(renamed);
  assert.deepEqual(await connector.refresh?.({ ...identity, email: "Admin@example.com" }, aLogin()), {
    ok: true,
    identity: {
      ...identity,
      email: "Admin@example.com",
      username: "New Name",
      preferredUsername: "new",
      emailVerified: false,
      groups: ["g"],
    },
  });
  assert.deepEqual(compared, []);
});

test("a refresh of a removed user, or of another one under the same address, ends", async () => {
  const gone = { ok: false, reason: "gone" };
  const { email: _, ...withoutEmail } = identity;
  assert.deepEqual(await aLocal().connector.refresh?.(identity, aLogin()), gone);
  assert.deepEqual(await aLocal(aPassword({ userId: "other" })).connector.refresh?.(identity, aLogin()), gone);
  assert.deepEqual(await aLocal(aPassword()).connector.refresh?.(withoutEmail, aLogin()), gone);
});
