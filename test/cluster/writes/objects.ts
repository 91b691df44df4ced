import assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import { authorize, authPath } from "../../spec/relying-party.ts";
import { aPerson, isLetIn, logIn, type Scenes, type Stage } from "./scene.ts";

/** Of "salmon". */
const salmon = Buffer.from("$2b$10$9NcBdETzb/9fvTili.iypuw4ciPj7LyGZ33DsnCTj3ouW7I15ShbO");

const [here, there] = ["https://here.example/cb", "https://there.example/cb"];

/** Whether the client may send a browser here. */
const mayAsk = async ({ newAgent }: Stage, id: string, redirectUri = here): Promise<boolean> =>
  (await newAgent().get(authPath({}, { id, redirectUri }))).status < 400;

const isTaken = async ({ newAgent }: Stage, id: string, secret: string): Promise<boolean> => {
  const form = { client_id: id, client_secret: secret, token: "none" };
  return (await newAgent().ask("/token/introspect", { method: "POST", form })).status === 200;
};

async function aClient({ api }: Stage, id: string): Promise<string> {
  const { client } = await api.dex.CreateClient({ client: { id, redirect_uris: [here] } });
  return client?.secret ?? assert.fail("no client");
}

/** What its form takes from the login page on. */
const configOf = (username: string) => Buffer.from(JSON.stringify({ username, password: "trout" }));

async function aConnector({ api }: Stage, id: string): Promise<void> {
  const connector = { id, type: "mockPassword", name: `Name of ${id}`, config: configOf("old") };
  assert.deepEqual(await api.dex.CreateConnector({ connector }), { already_exists: false });
}

/** {@link aConnector}, once every thread and process knows of it. */
async function aKnownConnector(stage: Stage, id: string): Promise<void> {
  await aConnector(stage, id);
  await wait(1_000);
}

const isOffered = async ({ newAgent }: Stage, name: string): Promise<boolean> =>
  (await authorize(newAgent())).body.includes(name);

const lets = async ({ newAgent }: Stage, connector: string, login: string): Promise<boolean> =>
  /\/approval$/.test((await logIn(newAgent(), login, { connector_id: connector, scope: "openid email" })).url.pathname);

export const clientScenes = {
  CreateClient: async (stage) => ({
    write: () => aClient(stage, "created"),
    look: () => mayAsk(stage, "created"),
    was: false,
    is: true,
  }),
  UpdateClient: async (stage) => {
    await aClient(stage, "updated");
    return {
      write: () => stage.api.dex.UpdateClient({ id: "updated", redirect_uris: [there] }),
      look: async () => [await mayAsk(stage, "updated"), await mayAsk(stage, "updated", there)],
      was: [true, false],
      is: [false, true],
    };
  },
  DeleteClient: async (stage) => {
    const secret = await aClient(stage, "deleted");
    return {
      write: () => stage.api.dex.DeleteClient({ id: "deleted" }),
      look: async () => [await mayAsk(stage, "deleted"), await isTaken(stage, "deleted", secret)],
      was: [true, true],
      is: [false, false],
    };
  },
  RotateClientSecret: async (stage) => {
    const old = await aClient(stage, "rotated");
    let fresh = "none yet";
    return {
      async write() {
        fresh = (await stage.api.admin.RotateClientSecret({ id: "rotated" })).secret;
      },
      look: async () => [await isTaken(stage, "rotated", old), await isTaken(stage, "rotated", fresh)],
      was: [true, false],
      is: [false, true],
    };
  },
} satisfies Scenes;

export const connectorScenes = {
  CreateConnector: async (stage) => ({
    write: () => aConnector(stage, "opened"),
    look: async () => (await isOffered(stage, "Name of opened")) && lets(stage, "opened", "old"),
    was: false,
    is: true,
  }),
  UpdateConnector: async (stage) => {
    await aKnownConnector(stage, "changed");
    return {
      write: () => stage.api.dex.UpdateConnector({ id: "changed", new_name: "New name", new_config: configOf("new") }),
      look: async () => [await isOffered(stage, "New name"), await lets(stage, "changed", "new")],
      was: [false, false],
      is: [true, true],
    };
  },
  DeleteConnector: async (stage) => {
    await aKnownConnector(stage, "closed");
    return {
      write: () => stage.api.dex.DeleteConnector({ id: "closed" }),
      look: async () => [
        await isOffered(stage, "Name of closed"),
        (await authorize(stage.newAgent(), { connector_id: "closed" })).status < 400,
      ],
      was: [true, true],
      is: [false, false],
    };
  },
} satisfies Scenes;

export const passwordScenes = {
  CreatePassword: async (stage) => ({
    write: () => aPerson(stage, "coming"),
    look: () => isLetIn(stage, "coming@example.com"),
    was: false,
    is: true,
  }),
  UpdatePassword: async (stage) => {
    const { email } = await aPerson(stage, "changing");
    return {
      write: () => stage.api.dex.UpdatePassword({ email, new_hash: salmon }),
      look: async () => [await isLetIn(stage, email), await isLetIn(stage, email, "salmon")],
      was: [true, false],
      is: [false, true],
    };
  },
} satisfies Scenes;

/** Keys that the other server shows: one that signs, and one that will. */
export const keyScenes = {
  RotateKeys: async (stage) => ({
    write: () => stage.api.admin.RotateKeys(),
    look: async () => JSON.parse((await stage.newAgent().get("/keys")).body).keys.length,
    was: 1,
    is: 2,
  }),
} satisfies Scenes;
