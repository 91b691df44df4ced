import { readFile } from "node:fs/promises";
import { type ConnectionOptions, checkServerIdentity } from "node:tls";

export type SslMode = "disable" | "allow" | "prefer" | "require" | "verify-ca" | "verify-full";

export interface SslFiles {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/**
 * What to try, in order: TLS options, or false for none. Only `allow` and `prefer` have a second choice, and whoever
 * sits between can force it: that is what these two modes mean. @throws {Error} A file cannot be read.
 */
export async function tlsChoices(
  mode: SslMode,
  files: SslFiles,
  host: string,
): Promise<readonly (ConnectionOptions | false)[]> {
  // A socket of this machine is never encrypted. compat: libpq and Dex's driver.
  if (mode === "disable" || host.startsWith("/")) return [false];
  const tls = await tlsOptions(mode, files, host);
  if (mode === "allow") return [false, tls];
  return mode === "prefer" ? [tls, false] : [tls];
}

async function tlsOptions(mode: SslMode, files: SslFiles, host: string): Promise<ConnectionOptions> {
  const read = async (file: string) => (file === "" ? undefined : await readFile(file));
  const [ca, cert, key] = await Promise.all([read(files.caFile), read(files.certFile), read(files.keyFile)]);
  // compat: with an authority at hand `require` checks it, as libpq does.
  const isChecked = mode === "verify-full" || mode === "verify-ca" || (mode === "require" && ca !== undefined);
  return {
    rejectUnauthorized: isChecked,
    // The driver names the server only where it has a name; an address has to be in the certificate as well.
    checkServerIdentity: (_name, certificate) =>
      mode === "verify-full" ? checkServerIdentity(host, certificate) : undefined,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
}
