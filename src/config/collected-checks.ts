import type { Findings } from "./mistake.ts";
import type { ConfigFile } from "./schema.ts";

/**
 * The checks Dex makes first and reports in one list, in its order and its words, typing slips included:
 * people's scripts look for them. compat(dex): cmd/dex/config.go.
 */
export function collectedChecks(file: ConfigFile, findings: Findings): void {
  const refuse = (path: string, message: string, hint?: string) =>
    findings.refuse("check", path, message, hint === undefined ? {} : { hint });
  if (file.issuer === "") refuse("issuer", "no issuer specified in config file");
  if (!file.enablePasswordDB && file.staticPasswords.length > 0) {
    refuse("staticPasswords", "cannot specify static passwords without enabling password db", "enablePasswordDB: true");
  }
  if (file.storage === undefined) refuse("storage", "no storage supplied in config file");
  const { web, grpc } = file;
  if (web.http === "" && web.https === "") refuse("web.http", "must supply a HTTP/HTTPS  address to listen on");
  if (web.https !== "" && web.tlsCert === "") refuse("web.tlsCert", "no cert specified for HTTPS");
  if (web.https !== "" && web.tlsKey === "") refuse("web.tlsKey", "no private key specified for HTTPS");
  checkTlsVersions(web, "web", refuse);
  if (grpc.tlsCert !== "" && grpc.addr === "") refuse("grpc.tlsCert", "no address specified for gRPC");
  if (grpc.tlsKey !== "" && grpc.addr === "") refuse("grpc.tlsKey", "no address specified for gRPC");
  if ((grpc.tlsCert === "") !== (grpc.tlsKey === "")) {
    refuse(grpc.tlsCert === "" ? "grpc.tlsCert" : "grpc.tlsKey", "must specific both a gRPC TLS cert and key");
  }
  if (grpc.tlsCert === "" && grpc.tlsClientCA !== "") {
    refuse("grpc.tlsClientCA", "cannot specify gRPC TLS client CA without a gRPC TLS cert");
  }
  checkTlsVersions(grpc, "grpc", refuse);
}

interface TlsVersions {
  readonly tlsMinVersion: string;
  readonly tlsMaxVersion: string;
}

function checkTlsVersions(
  versions: TlsVersions,
  section: string,
  refuse: (path: string, message: string, hint?: string) => void,
): void {
  for (const key of ["tlsMinVersion", "tlsMaxVersion"] as const) {
    if (!["", "1.2", "1.3"].includes(versions[key]))
      refuse(`${section}.${key}`, "supported TLS versions are: 1.2, 1.3");
  }
  const { tlsMinVersion: min, tlsMaxVersion: max } = versions;
  // compat(dex): compared as text, which is right for the two there are.
  if (min !== "" && max !== "" && min > max)
    refuse(`${section}.tlsMaxVersion`, "TLSMinVersion greater than TLSMaxVersion");
}
