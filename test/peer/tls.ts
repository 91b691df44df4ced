import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { peerFolder } from "./peer.ts";

export const tlsPrograms = { openssl: "openssl" };

/** A throwaway authority with a server certificate (127.0.0.1, localhost) and a client certificate, as PEM. */
export interface TestTls {
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

/** `client`: the subject of the client certificate, `CN=dex`. `names`: more names of the server. */
export function makeTestTls(client = "CN=dex", names: readonly string[] = []): TestTls {
  const folder = peerFolder("tls");
  const at = (name: string): string => join(folder.path, name);
  const openssl = (...args: readonly string[]): void => {
    execFileSync("openssl", args, { stdio: "ignore", cwd: folder.path });
  };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.crt", "-days", "2", "-subj", "/CN=Test authority");
  const issue = (name: string, subject: string, extensions: string): void => {
    writeFileSync(at(`${name}.ext`), extensions);
    openssl("req", ...key, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", subject);
    const ca = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"];
    openssl(
      "x509",
      "-req",
      "-in",
      `${name}.csr`,
      ...ca,
      "-days",
      "2",
      "-out",
      `${name}.crt`,
      "-extfile",
      `${name}.ext`,
    );
  };
  const alternatives = ["DNS:localhost", "IP:127.0.0.1", "IP:::1", ...names.map((name) => `DNS:${name}`)].join(",");
  // etcd's own gateway is a client of the server, with the server's certificate.
  issue("server", "/CN=test server", `subjectAltName=${alternatives}\nextendedKeyUsage=serverAuth,clientAuth\n`);
  issue("client", `/${client.replaceAll(",", "/")}`, "extendedKeyUsage=clientAuth\n");
  const read = (name: string): string => readFileSync(at(name), "utf8");
  return {
    ca: read("ca.crt"),
    caFile: at("ca.crt"),
    serverCert: read("server.crt"),
    serverCertFile: at("server.crt"),
    serverKey: read("server.key"),
    serverKeyFile: at("server.key"),
    clientCert: read("client.crt"),
    clientCertFile: at("client.crt"),
    clientKey: read("client.key"),
    clientKeyFile: at("client.key"),
    remove: () => folder.remove(),
  };
}
