import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What {@link newAuthority} needs, for `missing`. */
export const tlsPrograms = { openssl: "openssl" };

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** A self-signed authority and what it signs, all real and all new. PEM. */
export interface Authority extends Pair {
  /**
   * A certificate for 127.0.0.1, ::1, `localhost` and `names`, good for `days` (one that is over: -1) and for both ends of a connection: etcd's
   * own gateway is a client of the server. `subject` as in `O=group,CN=name`; unless told, the first name's.
   */
  issue(names?: readonly string[], options?: { readonly days?: number; readonly subject?: string }): Pair;
}

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key"];

export function newAuthority(): Authority {
  const ca = inFolder((folder) => {
    const uses = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"];
    openssl(folder, ["req", "-x509", ...newKey, "-out", "cert", "-days", "30", "-subj", "/CN=Test CA", ...uses]);
    return readPair(folder);
  });
  return {
    ...ca,
    issue: (names = [], { days = 10, subject = `CN=${names[0] ?? "localhost"}` } = {}) =>
      inFolder((folder) => {
        const at = (name: string): string => join(folder, name);
        const others = names.map((name) => `${isIP(name) === 0 ? "DNS" : "IP"}:${name}`);
        const extensions = [
          `subjectAltName=${["DNS:localhost", "IP:127.0.0.1", "IP:::1", ...others].join(",")}`,
          "extendedKeyUsage=serverAuth,clientAuth",
          "basicConstraints=CA:FALSE",
        ];
        writeFileSync(at("ca.crt"), ca.cert);
        writeFileSync(at("ca.key"), ca.key);
        writeFileSync(at("ext"), extensions.join("\n"));
        openssl(folder, ["req", ...newKey, "-out", "csr", "-subj", `/${subject.replaceAll(",", "/")}`]);
        const signed = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "ext"];
        openssl(folder, ["x509", "-req", "-in", "csr", "-out", "cert", "-days", String(days), ...signed]);
        return readPair(folder);
      }),
  };
}

/** An authority with a certificate for a server and one for a client, as texts and as files. */
export interface TestTls {
  readonly authority: Authority;
  readonly ca: string;
  readonly caFile: string;
  readonly serverCert: string;
  readonly serverCertFile: string;
  readonly serverKey: string;
  readonly serverKeyFile: string;
  readonly clientCert: string;
  readonly clientCertFile: string;
  readonly clientKey: string;
  readonly clientKeyFile: string;
  remove(): void;
}

export interface TestTlsOptions {
  /** The client's subject; `CN=dex` unless told. */
  readonly client?: string;
  /** More names of the server. */
  readonly names?: readonly string[];
  /** Where the files are made, for a server that may not read everything. Else in a temporary folder. */
  readonly folder?: string;
}

export function makeTestTls({ client = "CN=dex", names = [], folder }: TestTlsOptions = {}): TestTls {
  const path = folder ?? mkdtempSync(join(tmpdir(), "dex-tls-"));
  mkdirSync(path, { recursive: true });
  // A server that is started as somebody else reads its certificate here.
  if (folder !== undefined) chmodSync(path, 0o711);
  const write = (name: string, text: string): string => {
    const file = join(path, name);
    writeFileSync(file, text, { mode: name.endsWith(".key") ? 0o600 : 0o644 });
    return file;
  };
  const authority = newAuthority();
  const [server, own] = [authority.issue(names), authority.issue([], { subject: client })];
  return {
    authority,
    ca: authority.cert,
    caFile: write("ca.crt", authority.cert),
    serverCert: server.cert,
    serverCertFile: write("server.crt", server.cert),
    serverKey: server.key,
    serverKeyFile: write("server.key", server.key),
    clientCert: own.cert,
    clientCertFile: write("client.crt", own.cert),
    clientKey: own.key,
    clientKeyFile: write("client.key", own.key),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

const openssl = (cwd: string, args: readonly string[]): void => {
  execFileSync("openssl", args, { cwd, stdio: "ignore" });
};

const readPair = (folder: string): Pair => ({
  cert: readFileSync(join(folder, "cert"), "utf8"),
  key: readFileSync(join(folder, "key"), "utf8"),
});

function inFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "dex-pki-"));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
