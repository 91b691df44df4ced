import { parse } from "yaml";
import { readConfigOrStdin } from "../read-config.ts";
import { CommandError } from "../terminal.ts";
import { type AdminCommand, exitCodes, type Given, unlessMissing } from "./contract.ts";

const fields = {
  type: { kind: "text", summary: "github, ldap, oidc, …" },
  name: { kind: "text", summary: "Name on the button" },
  config: { kind: "text", summary: "File with its settings, YAML or JSON; - for standard input" },
  "grant-type": { kind: "list", summary: "Grant that it is limited to; may be repeated" },
} as const;

export const connectorCommands: readonly AdminCommand[] = [
  {
    words: "connector list",
    summary: "List all connectors; --json shows their settings, secrets included",
    args: [],
    flags: {},
    async run({ dex }) {
      const answer = await dex.ListConnectors();
      const rows = answer.connectors.map(({ id, type, name, grant_types: grants }) => [
        id,
        type,
        name,
        grants.join(" ") || "all",
      ]);
      const connectors = answer.connectors.map(({ config, ...connector }) => ({
        ...connector,
        config: readable(config),
      }));
      return { answer: { connectors }, table: { head: ["ID", "TYPE", "NAME", "GRANTS"], rows } };
    },
  },
  {
    words: "connector create",
    summary: "Create a connector",
    args: ["id"],
    flags: fields,
    async run({ dex }, given) {
      const [id = ""] = given.args;
      const connector = {
        id,
        type: given.text("type"),
        name: given.text("name"),
        config: (await settingsOf(given)) ?? Buffer.from("{}"),
        grant_types: given.list("grant-type"),
      };
      const answer = await dex.CreateConnector({ connector });
      return answer.already_exists
        ? { answer, said: `connector ${id} exists already`, code: exitCodes.alreadyExists }
        : { answer, said: `connector ${id} created` };
    },
  },
  {
    words: "connector update",
    summary: "Change what is given, and nothing else",
    args: ["id"],
    flags: { ...fields, "all-grants": { kind: "switch", summary: "Limit it to no grant any more" } },
    async run({ dex }, given) {
      const [id = ""] = given.args;
      const grants = given.list("grant-type");
      const config = await settingsOf(given);
      const answer = await dex.UpdateConnector({
        id,
        new_type: given.text("type"),
        new_name: given.text("name"),
        ...(config === undefined ? {} : { new_config: config }),
        ...(grants.length > 0 || given.has("all-grants") ? { new_grant_types: { grant_types: grants } } : {}),
      });
      return unlessMissing(answer, `connector ${id}`, `connector ${id} updated`);
    },
  },
  {
    words: "connector delete",
    summary: "Delete a connector",
    args: ["id"],
    flags: {},
    async run({ dex }, { args: [id = ""] }) {
      return unlessMissing(await dex.DeleteConnector({ id }), `connector ${id}`, `connector ${id} deleted`);
    },
  },
];

/** @throws {CommandError} The file cannot be read or holds no settings. */
async function settingsOf({ text, terminal }: Given): Promise<Uint8Array | undefined> {
  const path = text("config");
  if (path === "") return undefined;
  const source = new TextDecoder().decode(await readConfigOrStdin(path, terminal));
  let settings: unknown;
  try {
    settings = parse(source);
  } catch {
    // No cause: the parser quotes the text, and the text holds secrets.
    throw new CommandError(`${path} is neither YAML nor JSON`);
  }
  if (typeof settings !== "object" || settings === null) throw new CommandError(`${path} holds no settings`);
  return Buffer.from(JSON.stringify(settings));
}

function readable(config: Uint8Array): unknown {
  const text = new TextDecoder().decode(config);
  try {
    return text === "" ? {} : JSON.parse(text);
  } catch {
    return text;
  }
}
