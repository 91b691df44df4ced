import { execFile } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { newAuthority } from "../fake/certificates.ts";
import { findProgram, peerFolder, startPeer } from "./peer.ts";

export const sambaPrograms = {
  samba: "samba samba-ad-dc samba-ad-provision winbind",
  "samba-tool": "samba samba-ad-dc samba-ad-provision winbind",
  ldbadd: "ldb-tools",
  ldapsearch: "ldap-utils",
} as const;

export const adBase = "DC=ad,DC=example,DC=org";
export const staff = `OU=Staff,${adBase}`;
export const binder = { dn: "dexbind@ad.example.org", password: "Bind-1234" } as const;
export const asa = { uid: "asa", password: "bäz pass", name: "Åsa Müller (Ops*)" } as const;
/** More than the thousand that Active Directory gives at once. */
export const crowd = 1_010;

/** A domain controller of Samba, which is an Active Directory to its clients. Needs root. */
export interface Samba {
  /** Its own address of 127.0.0.0/8: the ports of a domain controller cannot be chosen. */
  readonly host: string;
  readonly caFile: string;
  /** `samba-tool`, on its database. */
  tool(...args: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

const run = promisify(execFile);
const program = (name: string): string => findProgram(name) ?? name;

/** An address on whose port 389 nobody listens. */
async function freeAddress(): Promise<string> {
  for (;;) {
    const byte = (): number => 1 + Math.floor(Math.random() * 250);
    const address = `127.${byte()}.${byte()}.${byte()}`;
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(389, address, () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return address;
  }
}

export async function startSamba(): Promise<Samba> {
  const folder = peerFolder("samba");
  const host = await freeAddress();
  const at = (name: string): string => join(folder.path, name);
  const database = ["-H", at("private/sam.ldb")];
  await run(program("samba-tool"), [
    ...["domain", "provision", "--realm=AD.EXAMPLE.ORG", "--domain=AD", "--server-role=dc", "--dns-backend=NONE"],
    ...["--adminpass=Passw0rd!", "--host-name=dc1", `--host-ip=${host}`, "--use-rfc2307", `--targetdir=${folder.path}`],
  ]);
  const authority = newAuthority();
  const own = authority.issue(["dc1.ad.example.org", host]);
  for (const name of ["tls", "run", "cache", "ncalrpc", "winbindd", "ntp"]) mkdirSync(at(name), { recursive: true });
  writeFileSync(at("tls/ca.crt"), authority.cert);
  writeFileSync(at("tls/server.crt"), own.cert);
  writeFileSync(at("tls/server.key"), own.key, { mode: 0o600 });
  writeFileSync(at("etc/smb.conf"), configuration(folder.path, host));
  const tool: Samba["tool"] = async (...args) => {
    await run(program("samba-tool"), [...args, "-s", at("etc/smb.conf"), ...database]);
  };
  await tool("domain", "passwordsettings", "set", "--complexity=off", "--min-pwd-length=3", "--min-pwd-age=0");
  await tool("ou", "create", "OU=Staff");
  for (const [name, password, ...more] of [
    ["jane", "Foo-1234", "--given-name=Jane", "--surname=Doe", "--mail-address=janedoe@example.com"],
    ["gone", "Gone-1234", "--mail-address=gone@example.com"],
    ["late", "Late-1234", "--mail-address=late@example.com", "--must-change-at-next-login"],
    ["asa", asa.password, "--given-name=Åsa", "--surname=Müller (Ops*)", "--mail-address=asa@example.com"],
  ] as const)
    await tool("user", "create", name, password, "--userou=OU=Staff", ...more);
  await tool("user", "create", "dexbind", binder.password);
  await tool("user", "disable", "gone");
  writeFileSync(at("groups.ldif"), groups());
  await run(program("ldbadd"), [...database, at("groups.ldif")]);
  const peer = await startPeer(
    {
      command: "samba",
      args: ["--foreground", "--no-process-group", `--configfile=${at("etc/smb.conf")}`],
      logFile: at("samba.log"),
      patience: 60_000,
    },
    async () => {
      const secure = { ...process.env, LDAPTLS_CACERT: at("tls/ca.crt") };
      await run("ldapsearch", ["-x", "-H", `ldaps://${host}`, "-b", "", "-s", "base", "dnsHostName"], { env: secure });
      return true;
    },
  );
  return {
    host,
    caFile: at("tls/ca.crt"),
    tool,
    async stop() {
      await peer.stop();
      // Its children end a moment after it, and still write.
      rmSync(folder.path, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 });
    },
  };
}

const groupLdif = (name: string, members: readonly string[]): string =>
  [
    `dn: CN=${name},${staff}`,
    "objectClass: group",
    `sAMAccountName: ${name}`,
    ...members.map((member) => `member:: ${Buffer.from(member).toString("base64")}`),
    "",
  ].join("\n");

/** staff holds admins and developers, all holds staff, and staff holds all again: a circle. */
function groups(): string {
  const jane = `CN=Jane Doe,${staff}`;
  const inStaff = (name: string): string => `CN=${name},${staff}`;
  return [
    groupLdif("admins", [jane]),
    groupLdif("developers", [jane, `CN=${asa.name},${staff}`]),
    groupLdif("staff", [inStaff("admins"), inStaff("developers")]),
    groupLdif("all", [inStaff("staff")]),
    ...Array.from({ length: crowd }, (_, index) => groupLdif(`crowd-${index}`, [`CN=${asa.name},${staff}`])),
  ].join("\n");
}

const configuration = (folder: string, host: string): string => `[global]
  netbios name = DC1
  realm = AD.EXAMPLE.ORG
  workgroup = AD
  server role = active directory domain controller
  server services = ldap, cldap, kdc
  interfaces = ${host}/8
  bind interfaces only = yes
  private dir = ${folder}/private
  state directory = ${folder}/state
  cache directory = ${folder}/cache
  lock directory = ${folder}
  pid directory = ${folder}/run
  ncalrpc dir = ${folder}/ncalrpc
  winbindd socket directory = ${folder}/winbindd
  ntp signd socket directory = ${folder}/ntp
  logging = file
  log file = ${folder}/daemon.log
  ldap server require strong auth = yes
  tls enabled = yes
  tls keyfile = ${folder}/tls/server.key
  tls certfile = ${folder}/tls/server.crt
  tls cafile = ${folder}/tls/ca.crt
  load printers = no
`;
