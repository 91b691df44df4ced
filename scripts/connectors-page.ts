/** The table of connectors: a page of the reference, and a block of the README. Read off what each type says of itself. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ConnectorAbout } from "../src/connector/contract.ts";
import { connectorTypes } from "../src/connector/registry.ts";

interface Row {
  readonly type: string;
  readonly about: ConnectorAbout;
}

async function rows(): Promise<readonly Row[]> {
  const all = await Promise.all(
    Object.entries(connectorTypes).map(async ([type, load]) => ({ type, about: (await load()).about })),
  );
  return all.toSorted((left, right) => (left.type < right.type ? -1 : 1));
}

/** What has a column, in this order. */
const abilities = {
  refresh: "refresh",
  groups: "groups",
  preferredUsername: "preferred name",
  logout: "logout",
  tokenExchange: "token exchange",
} as const satisfies Partial<Record<keyof ConnectorAbout, string>>;

async function table(): Promise<string> {
  const names = Object.keys(abilities) as (keyof typeof abilities)[];
  const lines = (await rows()).map(
    ({ type, about }) =>
      `| \`${type}\` | ${names.map((name) => (about[name] ? "yes" : "")).join(" | ")} | ${about.status} |`,
  );
  return [
    `| Type | ${names.map((name) => abilities[name]).join(" | ")} | status |`,
    `| --- | ${names.map(() => "---").join(" | ")} | --- |`,
    ...lines,
  ].join("\n");
}

/** docs/reference/connectors.md. */
export const connectorsPage = async (): Promise<string> => `# Connectors

Written by \`make docs\` from the connectors themselves; do not edit. Their settings are in [the configuration reference](config.md),
examples in [examples](../../examples), and [a guide](../guide/write-a-connector.md) says how to write one. The password database
of this server, \`enablePasswordDB\`, is a connector too: it refreshes and knows groups and preferred names.

${await table()}

- **refresh**: a refresh of the client's tokens asks the upstream whether the person is still there, and what changed.
- **groups**: the upstream's groups reach the client's \`groups\` claim.
- **preferred name**: so does the name that the person likes to be called by.
- **logout**: signing out here can sign out there, and the other way round.
- **token exchange**: a token of the upstream can be exchanged for one of ours.

\`dex connector test CONFIG ID\` tests one of them: its addresses and certificates, what its upstream says, and with
\`--login\` a whole login with every claim.
`;

const [begin, end] = ["<!-- connectors: written by make docs -->", "<!-- connectors: end -->"];

/** README.md with the table as it is now. @throws {Error} Its place is gone. */
export async function readme(): Promise<string> {
  const text = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");
  const [before, rest = ""] = text.split(begin);
  const [, after] = rest.split(end);
  if (before === undefined || after === undefined) throw new Error("README.md has no place for the connectors");
  return `${before}${begin}\n${await table()}\n${end}${after}`;
}
