/**
 * The configuration room: bytes of one YAML file to a frozen {@link Config}, or to the list of everything
 * that is wrong with it. It opens nothing and knows no process: the environment is handed in. The steps are
 * YAML with positions (`yaml.ts`), the shape of the schema (`align.ts`, `schema.ts`), then one `read-*.ts`
 * per section, which checks values and makes them what the server wants. docs: every key has its meaning in
 * the schema.
 */
import type { Client, Password } from "../storage/records.ts";
import { Aligner, Places } from "./align.ts";
import { collectedChecks } from "./collected-checks.ts";
import { type Env, type FeatureFlags, readFeatureFlags, unreadableFlags } from "./feature-flags.ts";
import { type Issuer, readIssuer } from "./issuer.ts";
import { Findings, type Mistake, type Note, nowhere } from "./mistake.ts";
import { readClients } from "./read-clients.ts";
import { type ConnectorConfig, readConnectors } from "./read-connectors.ts";
import { type ExpiryConfig, readExpiry } from "./read-expiry.ts";
import { type FrontendConfig, type LoggerConfig, readFrontend, readLogger } from "./read-frontend.ts";
import { type LockoutConfig, readLockout } from "./read-lockout.ts";
import { type MfaConfig, readMfa } from "./read-mfa.ts";
import { type OAuth2Config, readOAuth2 } from "./read-oauth2.ts";
import { readPasswords } from "./read-passwords.ts";
import { readSessions, type SessionsConfig } from "./read-sessions.ts";
import { readSigner, type SignerConfig } from "./read-signer.ts";
import { type MailConfig, readMail, readSignup, type SignupConfig } from "./read-signup.ts";
import { readStorage, type StorageConfig } from "./read-storage.ts";
import { type GrpcConfig, readGrpc, readTelemetry, readWeb, type TelemetryConfig, type WebConfig } from "./read-web.ts";
import type { Reading } from "./reading.ts";
import { references } from "./references.ts";
import { type ConfigFile, fileSchema } from "./schema.ts";
import { emptyMapping, jsonKind, type Mapping, type Tree } from "./tree.ts";
import { readYaml, YamlError } from "./yaml.ts";

/** Everything the server is told, checked and with defaults. Frozen. */
export interface Config extends Issuer {
  readonly storage: StorageConfig;
  readonly web: WebConfig;
  readonly telemetry: TelemetryConfig;
  readonly grpc: GrpcConfig;
  readonly oauth2: OAuth2Config;
  readonly expiry: ExpiryConfig;
  readonly signer: SignerConfig;
  readonly logger: LoggerConfig;
  readonly frontend: FrontendConfig;
  readonly staticClients: readonly Client[];
  readonly enablePasswordDB: boolean;
  readonly staticPasswords: readonly Password[];
  readonly signup: SignupConfig;
  /** Absent: nothing is mailed. */
  readonly mail?: MailConfig;
  readonly connectors: readonly ConnectorConfig[];
  /** Absent: switched off by DEX_SESSIONS_ENABLED. */
  readonly sessions?: SessionsConfig;
  readonly mfa: MfaConfig;
  readonly lockout: LockoutConfig;
  readonly flags: FeatureFlags;
}

export type Loaded =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly Note[] }
  | {
      readonly ok: false;
      readonly mistakes: readonly Mistake[];
      readonly warnings: readonly Note[];
    };

/** Addresses from the command line. An empty one says nothing. */
export interface Overrides {
  readonly webHttp?: string;
  readonly webHttps?: string;
  readonly telemetryHttp?: string;
  readonly grpcAddr?: string;
}

export interface LoadOptions {
  readonly env: Env;
  readonly overrides?: Overrides;
}

/** Reads and checks all of it. Never throws for anything the file says. */
export async function loadConfig(source: Uint8Array | string, options: LoadOptions): Promise<Loaded> {
  const places = new Places();
  const findings = new Findings(places.locate);
  const root = parse(source, findings, places);
  const config = root === undefined ? undefined : await read(root, options, findings, places);
  const { mistakes, warnings } = findings;
  if (config === undefined || mistakes.length > 0) return { ok: false, mistakes, warnings };
  return { ok: true, config: deepFreeze(config), warnings };
}

/** Undefined: refused. An empty file is an empty mapping, so that everything missing is named. */
function parse(source: Uint8Array | string, findings: Findings, places: Places): Mapping | undefined {
  let tree: Tree;
  try {
    const { tree: parsed, surprises } = readYaml(decodeText(source));
    for (const { path, message, ...at } of surprises) {
      places.put(path, at);
      findings.warn(path, message);
    }
    tree = parsed;
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    places.put("", error.at);
    findings.refuse("parse", "", error.message);
    return undefined;
  }
  if (tree.kind === "map") return tree;
  if (tree.kind === "scalar" && tree.value === null) return emptyMapping(tree.at);
  findings.refuse("decode", "", `json: cannot unmarshal ${jsonKind(tree)} into Go value of type main.Config`, {
    hint: "a mapping: issuer: https://…",
  });
  return undefined;
}

function decodeText(source: Uint8Array | string): string {
  if (typeof source === "string") return source.startsWith("\ufeff") ? source.slice(1) : source;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(source);
  } catch {
    const [good = ""] = new TextDecoder("utf-8").decode(source).split("\ufffd");
    const line = good.split("\n").length;
    throw new YamlError({ line, column: 1 }, `yaml: line ${line}: invalid UTF-8`);
  }
}

async function read(
  root: Mapping,
  { env, overrides = {} }: LoadOptions,
  findings: Findings,
  places: Places,
): Promise<Config | undefined> {
  const flags = readFeatureFlags(env);
  for (const name of unreadableFlags(env)) {
    places.put(name, nowhere);
    findings.warn(name, `${name} is no boolean and is ignored`, { hint: "true or false" });
  }
  const aligner = new Aligner(findings, places, { strict: flags.DEX_CONFIG_DISALLOW_UNKNOWN_FIELDS });
  const file = overridden(fileSchema.parse(aligner.object(root, fileSchema, "")), overrides);
  const reading: Reading = { file, findings, aligner, flags, env };
  collectedChecks(file, findings);
  // In Dex's order, so that the first mistake here is the one Dex would have stopped at.
  const storage = readStorage(reading);
  const logger = readLogger(reading);
  const sessions = readSessions(reading);
  const mfa = readMfa(reading);
  const lockout = readLockout(reading);
  const staticClients = readClients(reading);
  const staticPasswords = readPasswords(reading);
  const signup = readSignup(reading);
  const mail = readMail(reading);
  const connectors = await readConnectors(reading);
  const expiry = readExpiry(reading);
  const signer = readSigner(reading);
  const web = readWeb(reading, storage);
  const issuer = file.issuer === "" ? { issuer: "", issuerPath: "" } : readIssuer(file.issuer, findings);
  const oauth2 = readOAuth2(reading);
  const telemetry = readTelemetry(reading);
  const grpc = readGrpc(reading);
  const frontend = readFrontend(reading);
  references(reading, staticClients, connectors);
  if (storage === undefined || signer === undefined) return undefined;
  const { enablePasswordDB } = file;
  return {
    ...issuer,
    storage,
    web,
    telemetry,
    grpc,
    oauth2,
    expiry,
    signer,
    logger,
    frontend,
    staticClients,
    enablePasswordDB,
    staticPasswords,
    signup,
    ...(mail === undefined ? {} : { mail }),
    connectors,
    ...(sessions === undefined ? {} : { sessions }),
    mfa,
    lockout,
    flags,
  };
}

function overridden(file: ConfigFile, overrides: Overrides): ConfigFile {
  const or = (value: string | undefined, configured: string): string => value || configured;
  return {
    ...file,
    web: { ...file.web, http: or(overrides.webHttp, file.web.http), https: or(overrides.webHttps, file.web.https) },
    telemetry: { ...file.telemetry, http: or(overrides.telemetryHttp, file.telemetry.http) },
    grpc: { ...file.grpc, addr: or(overrides.grpcAddr, file.grpc.addr) },
  };
}

/** Plain data only: a secret guards itself, and bytes cannot be frozen. */
function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
