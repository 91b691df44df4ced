import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { client } from "../oidc/relying-party.ts";
import {
  type Login,
  type LoginKind,
  personCount,
  type Server,
  type StartOptions,
  type Store,
  type System,
} from "./contract.ts";
import { databases } from "./database.ts";
import { freePort, launch } from "./launch.ts";

const password = "correct horse battery staple";
/** bcrypt of {@link password}, cost 10: the cost is what the password workloads measure. */
const passwordHash = "$2a$10$yFvKj6f1tLMqu3lcLTbzCua.8VnuhDMB6IrAkjrPgibEi3FhQWlsm";
const ownBinary = fileURLToPath(new URL("../../dist/bin/dex", import.meta.url));

/** This repository's server as it is shipped: bundled, since stripping types from the source costs memory and time. */
export const ours = (store: Store): System =>
  dexSystem("ours", store, existsSync(ownBinary) ? ownBinary : undefined, "dist/ is missing: make bundle");

/** The Go original, where `DEX_BIN` names it. */
export const dex = (store: Store): System =>
  dexSystem("dex", store, process.env.DEX_BIN || undefined, "DEX_BIN is not set");

/** Both read the same configuration, so both are started by the same code. */
function dexSystem(family: "ours" | "dex", store: Store, binary: string | undefined, whyMissing: string): System {
  const program = isDatabase(store) ? databases[store] : undefined;
  const absent = binary === undefined ? whyMissing : program?.missing || undefined;
  return {
    name: `${family}-${store}`,
    family,
    store,
    version: binary === undefined ? "" : versionOf(binary),
    ...(absent === undefined ? {} : { missing: absent }),
    login,
    isLoginAddress: () => false,
    start: async (options) => {
      if (program === undefined) return start(binary ?? "", family, storageIn(store, options.directory), options);
      const database = await program.start(options.directory);
      try {
        const server = await start(binary ?? "", family, { storage: database.storage }, options);
        const stop = async (): Promise<void> => {
          await server.stop();
          await database.stop();
        };
        return { ...server, databasePid: database.pid, stop };
      } catch (error) {
        await database.stop();
        throw error;
      }
    },
  };
}

const isDatabase = (store: Store): store is keyof typeof databases => Object.hasOwn(databases, store);

interface Place {
  /** The configuration's `storage`. */
  readonly storage: object;
  readonly databaseFile?: string;
}

function storageIn(store: Store, directory: string): Place {
  if (store !== "sqlite") return { storage: { type: "memory" } };
  const databaseFile = join(directory, "dex.db");
  return { storage: { type: "sqlite3", config: { file: databaseFile } }, databaseFile };
}

function login(kind: LoginKind, person: number): Login {
  if (kind === "instant") return { parameters: { connector_id: "mock", scope: "openid profile email" } };
  const credentials = { login: emailOf(person), password };
  const scope = kind === "offline" ? "openid email profile groups offline_access" : "openid profile email";
  return { parameters: { connector_id: "local", scope }, credentials };
}

async function start(
  binary: string,
  family: "ours" | "dex",
  { storage, databaseFile }: Place,
  { directory, willRefresh, signer, hasGrpc = false }: StartOptions,
): Promise<Server> {
  const address = `127.0.0.1:${await freePort()}`;
  const grpcAddress = hasGrpc ? `127.0.0.1:${await freePort()}` : undefined;
  const configFile = join(directory, "config.yaml");
  const grpc = grpcAddress === undefined ? {} : { grpc: { addr: grpcAddress } };
  // JSON is YAML, so no writer is needed.
  writeFileSync(configFile, JSON.stringify({ ...configuration(address, storage, signer), ...grpc }, undefined, 2));
  // compat(dex): with sessions off, a single refresh hangs Dex on SQLite and in memory; with them on it works.
  // Everywhere else Dex runs as it comes, without sessions, which is less work for it.
  const environment: Readonly<Record<string, string>> = {
    DEX_CLIENT_CREDENTIAL_GRANT_ENABLED_BY_DEFAULT: "true",
    ...(family === "dex" ? { DEX_SESSIONS_ENABLED: String(willRefresh) } : {}),
  };
  const server = await launch({
    command: binary,
    arguments: ["serve", configFile],
    environment,
    directory,
    issuer: `http://${address}/dex`,
    healthPath: "/dex/healthz",
    ...(databaseFile === undefined ? {} : { databaseFile }),
  });
  return grpcAddress === undefined ? server : { ...server, grpcAddress };
}

function configuration(address: string, storage: object, signer: object | undefined): object {
  return {
    issuer: `http://${address}/dex`,
    storage,
    web: { http: address },
    ...(signer === undefined ? {} : { signer }),
    oauth2: { skipApprovalScreen: true },
    staticClients: [{ id: client.id, secret: client.secret, name: "Benchmark", redirectURIs: [client.redirectUri] }],
    connectors: [{ type: "mockCallback", id: "mock", name: "Mock" }],
    enablePasswordDB: true,
    staticPasswords: Array.from({ length: personCount }, (_, person) => ({
      email: emailOf(person),
      hash: passwordHash,
      username: `person-${person}`,
      userID: `0000-${person}`,
      groups: ["team-a", "team-b"],
    })),
  };
}

const emailOf = (person: number): string => `person-${person}@example.com`;

function versionOf(binary: string): string {
  const { stdout } = spawnSync(binary, ["version"], { encoding: "utf8", timeout: 10_000 });
  return (stdout ?? "").split("\n")[0]?.trim() ?? "";
}
