import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { getCACertificates } from "node:tls";

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The certificate authorities this machine trusts, as PEM: `SSL_CERT_FILE` and `SSL_CERT_DIR` where they are set, else
 * the system's, else the ones that come with Node; and `NODE_EXTRA_CA_CERTS`. Reads files, 100 ms perhaps: ask once.
 * compat(dex): crypto/x509 reads the same two variables.
 */
export function trustedAuthorities(env: Env): readonly string[] {
  const named = [...readFile(env.SSL_CERT_FILE), ...readFolders(env.SSL_CERT_DIR)];
  const system = named.length > 0 ? named : getCACertificates("system");
  return [...(system.length > 0 ? system : getCACertificates("bundled")), ...getCACertificates("extra")];
}

function readFile(path: string | undefined): readonly string[] {
  return path === undefined || path === "" ? [] : certificatesIn(readFileSync(path, "utf8"));
}

function readFolders(paths: string | undefined): readonly string[] {
  const folders = (paths ?? "").split(":").filter((folder) => folder !== "");
  return folders.flatMap((folder) =>
    readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile() || entry.isSymbolicLink())
      .flatMap((entry) => certificatesIn(readFileSync(join(folder, entry.name), "latin1"))),
  );
}

/** The certificates in a PEM text, each by itself; none when it holds none. */
export const certificatesIn = (text: string): readonly string[] =>
  text.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g) ?? [];
