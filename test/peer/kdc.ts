import { execFile, execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { findProgram, freePort, peerFolder, startPeer } from "./peer.ts";

export const kdcPrograms = {
  krb5kdc: "krb5-kdc",
  kdb5_util: "krb5-kdc",
  "kadmin.local": "krb5-admin-server",
  kinit: "krb5-user",
  curl: "curl",
  // Our own half, which npm builds only where it finds the library.
  [join(import.meta.dirname, "../../node_modules/kerberos/build/Release/kerberos.node")]: "libkrb5-dev, and npm ci",
} as const;

/** MIT Kerberos: realm EXAMPLE.ORG with jane/foo, john/bar, ghost/boo, and a second realm OTHER.ORG that it trusts. */
export interface Kdc {
  /** For programs that use Kerberos, our own server included. */
  readonly env: Readonly<Record<string, string>>;
  /** Keys of HTTP/localhost and HTTP/auth.example.org. */
  readonly keytab: string;
  /** Keys of a service that nobody asks for. */
  readonly wrongKeytab: string;
  /** Gets a ticket-granting ticket; the answer is the environment of who has it. */
  login(principal: string, password: string): Promise<Readonly<Record<string, string>>>;
  /** Fetches `url` as that person would in a browser, and says what came back. */
  curl(env: Readonly<Record<string, string>>, args: readonly string[]): Promise<string>;
  stop(): Promise<void>;
}

const run = promisify(execFile);
const program = (name: string): string => findProgram(name) ?? name;

export async function startKdc(): Promise<Kdc> {
  const folder = peerFolder("kdc");
  const at = (name: string): string => join(folder.path, name);
  const port = await freePort();
  writeFileSync(at("krb5.conf"), clientConfiguration(port));
  writeFileSync(at("kdc.conf"), serverConfiguration(folder.path, port));
  const env = {
    KRB5_CONFIG: at("krb5.conf"),
    KRB5_KDC_PROFILE: at("kdc.conf"),
    KRB5RCACHENAME: `dfl:`,
    KRB5RCACHEDIR: folder.path,
  };
  const all = { ...process.env, ...env };
  const kadmin = (realm: string, commands: readonly string[]): void => {
    execFileSync(program("kadmin.local"), ["-r", realm], {
      env: all,
      input: `${commands.join("\n")}\n`,
      stdio: ["pipe", "ignore", "pipe"],
    });
  };
  for (const realm of ["EXAMPLE.ORG", "OTHER.ORG"]) {
    execFileSync(program("kdb5_util"), ["create", "-s", "-r", realm, "-P", "master"], { env: all, stdio: "ignore" });
    // The same key on both sides is the trust.
    kadmin(realm, ["addprinc -pw trust krbtgt/EXAMPLE.ORG@OTHER.ORG", "addprinc -pw foo jane"]);
  }
  kadmin("EXAMPLE.ORG", [
    "addprinc -pw bar john",
    "addprinc -pw boo ghost",
    "addprinc -pw adm jane/admin",
    ...["HTTP/localhost", "HTTP/auth.example.org", "HTTP/wrong.example.org"].map((name) => `addprinc -randkey ${name}`),
    `ktadd -norandkey -k ${at("http.keytab")} HTTP/localhost HTTP/auth.example.org`,
    `ktadd -norandkey -k ${at("wrong.keytab")} HTTP/wrong.example.org`,
  ]);
  let logins = 0;
  const login: Kdc["login"] = async (principal, password) => {
    const mine = { ...env, KRB5CCNAME: `FILE:${at(`ccache-${logins++}`)}` };
    const child = run(program("kinit"), [principal], { env: { ...process.env, ...mine } });
    child.child.stdin?.end(`${password}\n`);
    await child;
    return mine;
  };
  const peer = await startPeer(
    {
      command: program("krb5kdc"),
      args: ["-n", "-r", "EXAMPLE.ORG", "-r", "OTHER.ORG"],
      env,
      logFile: at("kdc.log"),
    },
    async () => {
      await login("jane", "foo");
      return true;
    },
  );
  return {
    env,
    keytab: at("http.keytab"),
    wrongKeytab: at("wrong.keytab"),
    login,
    async curl(mine, args) {
      const { stdout } = await run(program("curl"), ["-sS", "--noproxy", "*", ...args], {
        env: { ...process.env, ...mine },
      });
      return stdout;
    },
    async stop() {
      await peer.stop();
      folder.remove();
    },
  };
}

const clientConfiguration = (port: number): string => `
[libdefaults]
  default_realm = EXAMPLE.ORG
  dns_lookup_kdc = false
  dns_lookup_realm = false
  dns_canonicalize_hostname = false
  rdns = false
  udp_preference_limit = 1
  ticket_lifetime = 1h
[realms]
  EXAMPLE.ORG = {
    kdc = 127.0.0.1:${port}
  }
  OTHER.ORG = {
    kdc = 127.0.0.1:${port}
  }
[domain_realm]
  localhost = EXAMPLE.ORG
  .example.org = EXAMPLE.ORG
`;

const serverConfiguration = (folder: string, port: number): string => `
[kdcdefaults]
  kdc_listen = 127.0.0.1:${port}
  kdc_tcp_listen = 127.0.0.1:${port}
[realms]
${["EXAMPLE.ORG", "OTHER.ORG"]
  .map(
    (realm) => `  ${realm} = {
    database_name = ${folder}/${realm}
    key_stash_file = ${folder}/${realm}.stash
    acl_file = ${folder}/kadm5.acl
    supported_enctypes = aes256-cts-hmac-sha1-96:normal aes128-cts-hmac-sha1-96:normal
  }`,
  )
  .join("\n")}
[logging]
  kdc = FILE:${folder}/kdc-requests.log
`;
