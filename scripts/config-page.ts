/** Every key of the configuration file as a page, read off the schema that checks it. */
import { z } from "zod";
import { fileSchema, signerSchemas, totpSchema, webauthnSchema } from "../src/config/schema.ts";
import { storageSchemas } from "../src/config/schema-storage.ts";
import { connectorTypes } from "../src/connector/registry.ts";

/** The part of JSON Schema that our schemas are made of. */
interface Described {
  readonly description?: string | undefined;
  readonly type?: string | readonly string[] | undefined;
  readonly format?: string | undefined;
  readonly writeOnly?: boolean | undefined;
  readonly enum?: readonly string[] | undefined;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Described>> | undefined;
  readonly items?: Described | undefined;
  readonly anyOf?: readonly Described[] | undefined;
}

const described: z.ZodType<Described> = z.lazy(() =>
  z.object({
    description: z.string().optional(),
    type: z.union([z.string(), z.array(z.string())]).optional(),
    format: z.string().optional(),
    writeOnly: z.boolean().optional(),
    enum: z.array(z.string()).optional(),
    default: z.unknown().optional(),
    properties: z.record(z.string(), described).optional(),
    items: described.optional(),
    anyOf: z.array(described).optional(),
  }),
);

/** `schema` as the file sees it: before defaults and transformations. */
const describe = (schema: z.ZodType): Described => described.parse(z.toJSONSchema(schema, { io: "input" }));

/** The keys below `node`, through "or null" and through a list's items. */
function keysOf(node: Described): Readonly<Record<string, Described>> | undefined {
  const inner = node.anyOf?.find(({ properties }) => properties !== undefined) ?? node.items ?? node;
  return inner.properties;
}

function typeOf(node: Described): string {
  const { type = "by `type`", items, format, writeOnly } = node;
  const values = (node.enum ?? []).filter((value) => value !== "");
  if (values.length > 0) return values.map((value) => `\`${value}\``).join(", ");
  if (items !== undefined) return keysOf(node) === undefined ? "list of texts" : "list";
  if (writeOnly === true) return "text, secret";
  if (format !== undefined) return format;
  const [name = ""] = typeof type === "string" ? [type] : type;
  return { string: "text", object: "mapping", null: "nothing" }[name] ?? name;
}

/** An empty text, list or section stands for nothing: what that means is said in words. */
const defaultOf = ({ default: value }: Described): string =>
  typeof value === "boolean" || typeof value === "number" ? `\`${value}\`` : "";

function rowsOf(keys: Readonly<Record<string, Described>>, prefix: string): readonly string[] {
  return Object.entries(keys).flatMap(([key, node]) => {
    const path = `${prefix}${key}`;
    const below = keysOf(node);
    const row = `| \`${path}\` | ${typeOf(node)} | ${defaultOf(node)} | ${(node.description ?? "").replaceAll("|", "\\|")} |`;
    return [row, ...(below === undefined ? [] : rowsOf(below, `${path}${node.items === undefined ? "." : "[]."}`))];
  });
}

function table(keys: Readonly<Record<string, Described>>, prefix = ""): string {
  const rows = rowsOf(keys, prefix);
  return rows.length === 0
    ? "No keys."
    : ["| Key | Type | Default | Meaning |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

function section(title: string, node: Described, prefix: string): string {
  return [`## ${title}`, node.description ?? "", table(keysOf(node) ?? {}, prefix)]
    .filter((part) => part !== "")
    .join("\n\n");
}

/** The settings that depend on the `type` beside them. */
function typed(what: string, schemas: Readonly<Record<string, z.ZodType>>): readonly string[] {
  return Object.entries(schemas).map(
    ([type, schema]) => `### ${what} of type \`${type}\`\n\n${table(keysOf(describe(schema)) ?? {})}`,
  );
}

async function connectorSchemas(): Promise<Readonly<Record<string, z.ZodType>>> {
  const found: Record<string, z.ZodType> = {};
  for (const [type, load] of Object.entries(connectorTypes)) {
    const { config } = await load();
    if (config instanceof z.ZodType) found[type] = config;
  }
  return found;
}

const introduction = `# The configuration file

Written by \`make docs\` from the schema in \`src/config\`; do not edit. One YAML file, the argument of \`dex serve\`.
Names are Dex's, and any case of them is read. A text or a list that is absent is empty, and the meaning says what that
does, unless it tells the two apart; a section that is absent reads like an empty one. A duration is written as in Go: \`1h30m\`, \`90s\`, \`0\`.

\`dex validate FILE\` reports every mistake at once and opens nothing.`;

/** The page. */
export async function configPage(): Promise<string> {
  const top = keysOf(describe(fileSchema)) ?? {};
  const after: Readonly<Record<string, readonly string[]>> = {
    storage: typed("`storage.config`", storageSchemas),
    signer: typed("`signer.config`", signerSchemas),
    connectors: typed("`config` of a connector", await connectorSchemas()),
    mfa: typed("`config` of an authenticator", { TOTP: totpSchema, WebAuthn: webauthnSchema }),
  };
  const sections = Object.entries(top).filter(([, node]) => keysOf(node) !== undefined);
  const plain = Object.fromEntries(Object.entries(top).filter(([, node]) => keysOf(node) === undefined));
  const parts = sections.flatMap(([key, node]) => [
    section(`\`${key}\``, node, `${key}${node.items === undefined ? "." : "[]."}`),
    ...(after[key] ?? []),
  ]);
  return `${[introduction, table(plain), ...parts].join("\n\n")}\n`;
}
