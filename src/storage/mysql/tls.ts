import { readFile } from "node:fs/promises";
import type { SslOptions } from "mysql2";

export type SslMode = "true" | "false" | "skip-verify" | "preferred" | "custom";

export interface SslFiles {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/**
 * What to try, in order: TLS options, or false for none. Any file means: TLS, checked by these files, whatever the
 * mode says. compat(dex): storage/sql/mysql.go. Only `preferred` has a second choice, and whoever sits between can
 * force it. @throws {Error} A file cannot be read.
 */
export async function tlsChoices(
  mode: SslMode,
  files: SslFiles,
  isSocket: boolean,
): Promise<readonly (SslOptions | false)[]> {
  if (isSocket) return [false];
  if (mode === "custom" || files.caFile !== "" || files.certFile !== "" || files.keyFile !== "")
    return [{ ...(await contentOf(files)), rejectUnauthorized: true, verifyIdentity: true }];
  if (mode === "false") return [false];
  const unchecked: SslOptions = { rejectUnauthorized: false };
  if (mode === "preferred") return [unchecked, false];
  return [mode === "skip-verify" ? unchecked : { rejectUnauthorized: true, verifyIdentity: true }];
}

async function contentOf(files: SslFiles): Promise<SslOptions> {
  const read = async (file: string) => (file === "" ? undefined : await readFile(file));
  const [ca, cert, key] = await Promise.all([read(files.caFile), read(files.certFile), read(files.keyFile)]);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
}
