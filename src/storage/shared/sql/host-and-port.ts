import { isIP } from "node:net";

/**
 * Host and port as Dex reads them: the host may carry the port, in brackets around an IPv6 address; a path is the
 * directory of a Unix socket. compat(dex): storage/sql/postgres.go.
 */
export function hostAndPort(host: string, port: number): { readonly host: string; readonly port: number } {
  if (host === "" || host.startsWith("/") || isIP(host) !== 0) return { host, port };
  const [, bracketed, inner] = /^\[([^\]]*)\](?::(\d+))?$/.exec(host) ?? [];
  if (bracketed !== undefined) return { host: bracketed, port: inner === undefined ? port : Number(inner) };
  const [, name, own] = /^([^:]*):(\d+)$/.exec(host) ?? [];
  return name === undefined ? { host, port } : { host: name, port: Number(own) };
}
