import { z } from "zod";
import { quoteGo } from "../kernel/go-quote.ts";
import { connectorGrants } from "../oauth/grant-type.ts";
import { below } from "./align.ts";
import { didYouMean } from "./did-you-mean.ts";
import { isLoopback, issuerHost } from "./issuer.ts";
import { expandedBlock, type Reading, reasonOf } from "./reading.ts";
import type { ConfigFile } from "./schema.ts";
import { type Mapping, plain } from "./tree.ts";

/** A connector as configured. What its `config` means is for its type to say; it may hold secrets. */
export interface ConnectorConfig {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  /** Plain JSON, environment expanded, keys spelt as the type spells them. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Empty: all. */
  readonly grantTypes: readonly string[];
}

type FileConnector = ConfigFile["connectors"][number];
type Registry = typeof import("../connector/registry.ts")["connectorTypes"];

export async function readConnectors(reading: Reading): Promise<readonly ConnectorConfig[]> {
  const { connectors } = reading.file;
  if (connectors.length === 0) return [];
  const { connectorTypes } = await import("../connector/registry.ts");
  return Promise.all(
    connectors.map((connector, index) => readConnector(reading, connectorTypes, connector, `connectors[${index}]`)),
  );
}

async function readConnector(
  reading: Reading,
  registry: Registry,
  connector: FileConnector,
  path: string,
): Promise<ConnectorConfig> {
  const { findings } = reading;
  const { id, type, name } = connector;
  if (id === "" || name === "") {
    findings.refuse(
      "setup",
      `${path}.${id === "" ? "id" : "name"}`,
      "invalid config: ID, Type and Name fields are required for a connector",
    );
  }
  connector.grantTypes.forEach((grant, index) => {
    if (connectorGrants.includes(grant)) return;
    const meant = didYouMean(grant, connectorGrants);
    const message = `invalid config: unknown grant type ${quoteGo(grant)} for connector ${quoteGo(id)}`;
    findings.refuse("setup", `${path}.grantTypes[${index}]`, message, meant === undefined ? {} : { didYouMean: meant });
  });
  const config = await readConfig(reading, registry, connector, path);
  return { id, type, name, config, grantTypes: connector.grantTypes };
}

async function readConfig(
  reading: Reading,
  registry: Registry,
  { id, type }: FileConnector,
  path: string,
): Promise<ConnectorConfig["config"]> {
  const { findings, file } = reading;
  const open = Object.hasOwn(registry, type) ? registry[type] : undefined;
  if (open === undefined) {
    const meant = didYouMean(type, Object.keys(registry));
    const hint = type === "local" ? { hint: "enablePasswordDB: true brings it" } : {};
    findings.refuse(
      "decode",
      `${path}.type`,
      `unknown connector type ${quoteGo(type)}`,
      meant === undefined ? hint : { didYouMean: meant },
    );
    return {};
  }
  const block = expandedBlock(reading, `${path}.config`);
  if (block === undefined) return {};
  if (type.startsWith("mock") && !isLoopback(issuerHost(file.issuer))) {
    findings.warn(`${path}.type`, `a mock connector lets anyone in, and the issuer is not on this machine alone`);
  }
  const config = readBuilt(reading, block, (await open()).config, id, `${path}.config`);
  checkRedirect(reading, config, id, `${path}.config`);
  return config;
}

/** compat(dex): said when somebody signs in; here before. What has a client at its upstream is sent back to our callback. */
function checkRedirect({ file, findings }: Reading, config: ConnectorConfig["config"], id: string, path: string): void {
  const { clientID, redirectURI } = config;
  if (typeof clientID !== "string" || typeof redirectURI !== "string") return;
  const callback = `${file.issuer.replace(/\/$/, "")}/callback`;
  if (redirectURI === callback || redirectURI === `${callback}/${encodeURIComponent(id)}`) return;
  findings.warn(`${path}.redirectURI`, `nobody can sign in: the address must be ${callback}`);
}

function readBuilt(
  { aligner, findings }: Reading,
  block: Mapping,
  schema: { parse(value: unknown): unknown },
  id: string,
  path: string,
): ConnectorConfig["config"] {
  const failed = `failed to initialize server: server: Failed to open connector ${id}: `;
  if (schema instanceof z.ZodType) {
    const config = aligner.object(block, schema, path);
    const parsed = schema.safeParse(config);
    for (const issue of parsed.error?.issues ?? [])
      findings.refuse("setup", pathOf(path, issue.path), failed + issue.message);
    return config;
  }
  const config = plainObject(block);
  try {
    schema.parse(config);
  } catch (error) {
    findings.refuse("setup", path, failed + reasonOf(error));
  }
  return config;
}

const pathOf = (path: string, keys: readonly PropertyKey[]): string =>
  keys.reduce<string>((at, key) => (typeof key === "number" ? `${at}[${key}]` : below(at, String(key))), path);

const plainObject = (block: Mapping): ConnectorConfig["config"] =>
  Object.fromEntries(block.entries.map(({ key, value }) => [key, plain(value)]));
