import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { makers } from "./conformance/makers.ts";
import { AlreadyExistsError, ReadOnlyError } from "./contract.ts";
import { openMemory } from "./memory/memory.ts";
import { type StaticRecords, withStaticRecords } from "./static-overlay.ts";

const nothing: StaticRecords = { clients: [], passwords: [], connectors: [] };

const aClient = (id: string, name: string) => makers.clients({ id, name });
const aPassword = (email: string, name: string) => makers.passwords({ email, name });
const aConnector = (id: string, name: string) => makers.connectors({ id, name });

/** A store with a stored and a static record of the same key, and one of each alone. */
async function overlaid() {
  const stored = openMemory();
  for (const id of ["both", "stored"]) {
    await stored.clients.create(aClient(id, "stored"));
    await stored.passwords.create(aPassword(`${id}@example.com`, "stored"));
    await stored.connectors.create(aConnector(id, "stored"));
  }
  const storage = withStaticRecords(stored, {
    clients: [aClient("static", "static"), aClient("both", "static")],
    passwords: [aPassword("static@example.com", "static"), aPassword("Both@Example.com", "static")],
    connectors: [aConnector("static", "static"), aConnector("both", "static")],
  });
  return { stored, storage };
}

describe("what is found", () => {
  test("is the configuration's record first, then the stored one", async () => {
    const { storage } = await overlaid();
    assert.equal((await storage.clients.get("both"))?.name, "static");
    assert.equal((await storage.clients.get("static"))?.name, "static");
    assert.equal((await storage.clients.get("stored"))?.name, "stored");
    assert.equal(await storage.clients.get("nobody"), undefined);
    assert.equal((await storage.connectors.get("both"))?.name, "static");
    assert.equal((await storage.connectors.get("stored"))?.name, "stored");
  });

  test("by an address in any letter case", async () => {
    const { storage } = await overlaid();
    for (const email of ["both@example.com", "BOTH@EXAMPLE.COM"])
      assert.equal((await storage.passwords.get(email))?.name, "static");
    assert.equal((await storage.passwords.get("Stored@example.com"))?.name, "stored");
  });

  test("of two configured under one key is the last", async () => {
    const storage = withStaticRecords(openMemory(), {
      clients: [aClient("twice", "first"), aClient("twice", "last")],
      passwords: [aPassword("twice@example.com", "first"), aPassword("TWICE@example.com", "last")],
      connectors: [],
    });
    assert.equal((await storage.clients.get("twice"))?.name, "last");
    assert.equal((await storage.passwords.get("twice@example.com"))?.name, "last");
  });
});

describe("what is listed", () => {
  const names = (records: readonly { readonly name: string }[]) => records.map(({ name }) => name);

  test("is what is stored under no configured key, then all that is configured, in its order", async () => {
    const { storage } = await overlaid();
    assert.deepEqual(
      (await storage.clients.list()).map(({ id, name }) => `${id} ${name}`),
      ["stored stored", "static static", "both static"],
    );
    assert.deepEqual(
      (await storage.passwords.list()).map(({ email }) => email),
      ["stored@example.com", "static@example.com", "Both@Example.com"],
    );
    assert.deepEqual(names(await storage.connectors.list()), ["stored", "static", "static"]);
  });

  test("holds both of two configured under one key", async () => {
    const clients = [aClient("twice", "first"), aClient("twice", "last")];
    const storage = withStaticRecords(openMemory(), { ...nothing, clients });
    assert.deepEqual(names(await storage.clients.list()), ["first", "last"]);
  });
});

describe("what is configured cannot be changed here, in Dex's words", () => {
  const refused = (message: string) => (error: unknown) => {
    assert.ok(error instanceof ReadOnlyError);
    assert.equal(error.message, message);
    return true;
  };

  test("clients", async () => {
    const { storage, stored } = await overlaid();
    const { clients } = storage;
    await assert.rejects(
      clients.create(aClient("static", "new")),
      refused("static clients: read-only cannot create client"),
    );
    await assert.rejects(clients.delete("both"), refused("static clients: read-only cannot delete client"));
    await assert.rejects(
      clients.update("both", (current) => ({ ...current, name: "new" })),
      refused("static clients: read-only cannot update client"),
    );
    assert.equal((await stored.clients.get("both"))?.name, "stored");
    assert.equal(await stored.clients.get("static"), undefined);
  });

  test("passwords, in any letter case", async () => {
    const { storage, stored } = await overlaid();
    const { passwords } = storage;
    const create = passwords.create(aPassword("STATIC@example.com", "new"));
    await assert.rejects(create, refused("static passwords: read-only cannot create password"));
    const remove = passwords.delete("bOTH@example.com");
    await assert.rejects(remove, refused("static passwords: read-only cannot delete password"));
    await assert.rejects(
      passwords.update("BOTH@example.com", (current) => current),
      refused("static passwords: read-only cannot update password"),
    );
    assert.equal((await stored.passwords.get("both@example.com"))?.name, "stored");
  });

  test("connectors", async () => {
    const { storage } = await overlaid();
    const { connectors } = storage;
    const create = connectors.create(aConnector("static", "new"));
    await assert.rejects(create, refused("static connectors: read-only cannot create connector"));
    await assert.rejects(connectors.delete("static"), refused("static connectors: read-only cannot delete connector"));
    await assert.rejects(
      connectors.update("static", (current) => current),
      refused("static connectors: read-only cannot update connector"),
    );
  });
});

describe("what is stored", () => {
  test("is created, changed and deleted as without the configuration", async () => {
    const { storage, stored } = await overlaid();
    await storage.clients.create(aClient("new", "new"));
    await assert.rejects(storage.clients.create(aClient("new", "again")), AlreadyExistsError);
    await storage.clients.update("new", (current) => ({ ...current, name: "changed" }));
    assert.equal((await stored.clients.get("new"))?.name, "changed");
    assert.equal(await storage.clients.delete("new"), true);
    assert.equal(await storage.clients.delete("new"), false);
    assert.equal(await storage.clients.update("new", (current) => current), undefined);
  });

  test("never holds anything of the configuration", async () => {
    const stored = openMemory();
    const storage = withStaticRecords(stored, {
      clients: [aClient("a", "a")],
      passwords: [aPassword("a@example.com", "a")],
      connectors: [aConnector("a", "a")],
    });
    await Promise.all([storage.clients.list(), storage.passwords.list(), storage.connectors.list()]);
    for (const kind of ["clients", "passwords", "connectors"] as const) assert.deepEqual(await stored[kind].list(), []);
  });

  test("of a kind that the configuration leaves out, and of every other kind, is reached as it is", async () => {
    const stored = openMemory();
    const storage = withStaticRecords(stored, { ...nothing, connectors: [aConnector("a", "a")] });
    assert.equal(storage.clients, stored.clients);
    assert.equal(storage.refreshTokens, stored.refreshTokens);
    await storage.revokedTokens.create({ id: "old", expiry: 1 });
    assert.equal((await storage.collectGarbage(2, 10)).deleted.revokedTokens, 1);
    await storage.close();
  });
});
