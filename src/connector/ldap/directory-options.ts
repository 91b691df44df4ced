import type { Resolver } from "node:dns/promises";
import { readFile } from "node:fs/promises";
import { createSecureContext, getCACertificates, type SecureContext, type SecureContextOptions } from "node:tls";
import { parseDuration } from "../../kernel/duration.ts";
import { Secret } from "../../kernel/secret.ts";
import type { ConnectorDeps } from "../contract.ts";
import type { DirectoryOptions } from "./directory.ts";
import { parseHost, srvHosts } from "./hosts.ts";
import { hostTexts, type LdapSettings } from "./schema.ts";
import type { Protection } from "./wire/connection.ts";

/** Where the directory is and how it is reached. @throws {Error} A certificate cannot be read, in Dex's words. */
export async function directoryOptions(
  settings: LdapSettings,
  deps: ConnectorDeps,
  resolver: Pick<Resolver, "resolveSrv">,
): Promise<DirectoryOptions> {
  const protection = await protectionOf(settings);
  if (settings.insecureNoSSL && settings.startTLS)
    deps.logger.warn("insecureNoSSL and startTLS are both set: StartTLS is used", { connector: deps.id });
  // Dex asks 636 with StartTLS too, where no server speaks plain LDAP.
  const defaultPort = protection.mode === "ldaps" ? 636 : 389;
  const fixed = hostTexts(settings.host).map((host) => parseHost(host, defaultPort));
  return {
    protection,
    clock: deps.clock,
    connectTimeout: parseDuration(settings.connectTimeout),
    requestTimeout: parseDuration(settings.requestTimeout),
    listHosts: settings.hostSRV === "" ? async () => fixed : srvHosts(settings.hostSRV, resolver, deps),
    bindDn: settings.bindDN,
    bindPassword: new Secret(settings.bindPW),
  };
}

async function protectionOf(settings: LdapSettings): Promise<Protection> {
  if (settings.insecureNoSSL && !settings.startTLS) return { mode: "none" };
  const ca = await authoritiesOf(settings);
  const own = await ownCertificate(settings);
  return {
    mode: settings.startTLS ? "startTLS" : "ldaps",
    // Once, because it reads every authority of the system.
    secureContext: contextOf({ ca, ...own, minVersion: "TLSv1.2" }),
    rejectUnauthorized: !settings.insecureSkipVerify,
  };
}

function contextOf(options: SecureContextOptions): SecureContext {
  try {
    return createSecureContext(options);
  } catch (cause) {
    throw new Error("ldap: the certificates cannot be used", { cause });
  }
}

/** compat(dex): they replace the system's. */
async function authoritiesOf({ rootCA, rootCAData }: LdapSettings): Promise<string[]> {
  if (rootCA === "" && rootCAData === "") return getCACertificates("system");
  const pem = rootCAData === "" ? await readCaFile(rootCA) : Buffer.from(rootCAData, "base64").toString();
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs);
  if (certificates === null) throw new Error("ldap: no certs found in ca file");
  return certificates;
}

async function readCaFile(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new Error(`ldap: read ca file: ${path}`, { cause });
  }
}

/** compat(dex): both or nothing. */
async function ownCertificate({ clientCert, clientKey }: LdapSettings): Promise<SecureContextOptions> {
  if (clientCert === "" || clientKey === "") return {};
  try {
    const pair = { cert: await readFile(clientCert, "utf8"), key: await readFile(clientKey, "utf8") };
    createSecureContext(pair);
    return pair;
  } catch (cause) {
    throw new Error("ldap: load client cert failed", { cause });
  }
}
