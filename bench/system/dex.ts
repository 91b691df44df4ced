import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { client } from "../oidc/relying-party.ts";
import { type Login, type LoginKind, personCount, type Server, type StartOptions, type System } from "./contract.ts";
import { freePort, launch } from "./launch.ts";

const password = "correct horse battery staple";
/** bcrypt of {@link password}, cost 10: the cost is what the password workloads measure. */
const passwordHash = "$2a$10$yFvKj6f1tLMqu3lcLTbzCua.8VnuhDMB6IrAkjrPgibEi3FhQWlsm";
const ownBinary = fileURLToPath(new URL("../../dist/bin/dex", import.meta.url));

type Store = System["store"];

/** This repository's server as it is shipped: bundled, since stripping types from the source costs memory and time. */
export const ours = (store: Store): System =>
  dexSystem("ours", store, existsSync(ownBinary) ? ownBinary : undefined, "dist/ is missing: make bundle");

/** The Go original, where `DEX_BIN` names it. */
export const dex = (store: Store): System => dexSystem("dex", store, process.env.DEX_BIN, "DEX_BIN is not set");

/** Both read the same configuration, so both are started by the same code. */
function dexSystem(family: "ours" | "dex", store: Store, binary: string | undefined, whyMissing: string): System {
  return {
    name: `${family}-${store}`,
    family,
    store,
    version: binary === undefined ? "" : versionOf(binary),
    ...(binary === undefined ? { missing: whyMissing } : {}),
    login,
    isLoginAddress: () => false,
    start: (options) => start(binary ?? "", family, store, options),
  };
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
  store: Store,
  { directory, willRefresh, signer }: StartOptions,
): Promise<Server> {
  const address = `127.0.0.1:${await freePort()}`;
  const databaseFile = join(directory, "dex.db");
  const configFile = join(directory, "config.yaml");
  // JSON is YAML, so no writer is needed.
  writeFileSync(
    configFile,
    JSON.stringify(configuration(address, store === "sqlite" ? databaseFile : undefined, signer), undefined, 2),
  );
  // compat(dex): with sessions off, a single refresh hangs Dex on SQLite and in memory; with them on it works.
  // Everywhere else Dex runs as it comes, without sessions, which is less work for it.
  const environment: Readonly<Record<string, string>> = {
    DEX_CLIENT_CREDENTIAL_GRANT_ENABLED_BY_DEFAULT: "true",
    ...(family === "dex" ? { DEX_SESSIONS_ENABLED: String(willRefresh) } : {}),
  };
  return launch({
    command: binary,
    arguments: ["serve", configFile],
    environment,
    directory,
    issuer: `http://${address}/dex`,
    healthPath: "/dex/healthz",
    ...(store === "sqlite" ? { databaseFile } : {}),
  });
}

function configuration(address: string, databaseFile: string | undefined, signer: object | undefined): object {
  return {
    issuer: `http://${address}/dex`,
    storage: databaseFile === undefined ? { type: "memory" } : { type: "sqlite3", config: { file: databaseFile } },
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
