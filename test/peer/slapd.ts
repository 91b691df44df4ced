import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { newAuthority } from "../fake/certificates.ts";
import { findProgram, freePort, type Peer, peerFolder, startPeer } from "./peer.ts";
import { baseDn, ldif, type SeedEntry, seed } from "./slapd-seed.ts";

export const slapdPrograms = { slapd: "slapd", ldapmodify: "ldap-utils", openssl: "openssl" } as const;

/** OpenLDAP with the people and groups of `slapd-seed.ts`. */
export interface Slapd {
  /** Plain and StartTLS. */
  readonly port: number;
  readonly tlsPort: number;
  /** The file of the authority that its certificate comes from. */
  readonly caFile: string;
  /** A certificate that it accepts, with its key. */
  readonly clientCert: string;
  readonly clientKey: string;
  /** Changes the directory as its administrator: LDIF change records. */
  modify(changes: string): Promise<void>;
  /** Ends the process, and keeps the directory for `revive`. */
  kill(): Promise<void>;
  revive(): Promise<void>;
  stop(): Promise<void>;
}

export const admin = { dn: `cn=admin,${baseDn}`, password: "admin" } as const;

export interface SlapdOptions {
  /** Whether clients must show a certificate. */
  readonly verifyClient?: "never" | "demand";
  /** More than the usual entries. */
  readonly more?: readonly SeedEntry[];
}

const run = promisify(execFile);
const slapd = (): string => findProgram("slapd") ?? "slapd";

export async function startSlapd({ verifyClient = "never", more = [] }: SlapdOptions = {}): Promise<Slapd> {
  const folder = peerFolder("slapd");
  const at = (name: string): string => join(folder.path, name);
  const authority = newAuthority();
  const files = { ca: authority.cert, server: authority.issue(), client: authority.issue(["ldap-client"]) };
  writeFileSync(at("ca.crt"), files.ca);
  for (const [name, { cert, key }] of Object.entries({ server: files.server, client: files.client })) {
    writeFileSync(at(`${name}.crt`), cert);
    writeFileSync(at(`${name}.key`), key, { mode: 0o600 });
  }
  mkdirSync(at("db"));
  writeFileSync(at("slapd.conf"), configuration(folder.path, verifyClient));
  writeFileSync(at("seed.ldif"), ldif([...seed, ...more]));
  // Offline and without checks of the order: ten thousand groups in a second.
  await run(slapd(), ["-Tadd", "-q", "-f", at("slapd.conf"), "-l", at("seed.ldif")]);
  const port = await freePort();
  const tlsPort = await freePort();
  const launch = (): Promise<Peer> =>
    startPeer(
      {
        command: slapd(),
        args: ["-d", "0", "-f", at("slapd.conf"), "-h", `ldap://127.0.0.1:${port}/ ldaps://127.0.0.1:${tlsPort}/`],
        logFile: at("slapd.log"),
      },
      async () => {
        await ldapTool("ldapwhoami", port, []);
        return true;
      },
    );
  let peer = await launch();
  return {
    port,
    tlsPort,
    caFile: at("ca.crt"),
    clientCert: at("client.crt"),
    clientKey: at("client.key"),
    async modify(changes) {
      writeFileSync(at("changes.ldif"), changes);
      await ldapTool("ldapmodify", port, ["-f", at("changes.ldif")]);
    },
    kill: () => peer.stop(),
    async revive() {
      peer = await launch();
    },
    async stop() {
      await peer.stop();
      folder.remove();
    },
  };
}

const ldapTool = (tool: string, port: number, args: readonly string[]) =>
  run(tool, ["-x", "-H", `ldap://127.0.0.1:${port}`, "-D", admin.dn, "-w", admin.password, ...args]);

const configuration = (folder: string, verifyClient: string): string => `
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
pidfile ${folder}/slapd.pid
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
TLSCACertificateFile ${folder}/ca.crt
TLSCertificateFile ${folder}/server.crt
TLSCertificateKeyFile ${folder}/server.key
TLSVerifyClient ${verifyClient}
sizelimit unlimited

database mdb
suffix ${baseDn}
rootdn ${admin.dn}
rootpw ${admin.password}
directory ${folder}/db
maxsize 268435456
index objectClass,uid,mail,member,memberUid,cn eq
dbnosync
limits dn.exact="cn=readonly,${baseDn}" size.soft=unlimited size.hard=unlimited size.pr=1000 size.prtotal=unlimited
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="cn=readonly,${baseDn}" read by anonymous read by * none
overlay ppolicy
ppolicy_default cn=default,ou=Policies,${baseDn}
`;
