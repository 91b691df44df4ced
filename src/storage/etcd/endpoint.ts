import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import { checkServerIdentity } from "node:tls";
import { type ChannelOptions, Client, credentials } from "@grpc/grpc-js";

/** `storage.config.ssl` of the configuration. */
export interface EtcdSsl {
  readonly serverName: string;
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** One member of the cluster, as its address in the configuration says. */
export interface Endpoint {
  /** What gRPC calls it. */
  readonly target: string;
  readonly host: string;
  readonly isSecure: boolean;
}

/** What stands in the files of {@link EtcdSsl}. */
export interface TlsFiles {
  readonly ca: Buffer | null;
  readonly cert: Buffer | null;
  readonly key: Buffer | null;
}

/**
 * An address such as `https://etcd-0:2379`, `unix:///run/etcd.sock` or just `etcd-0:2379`; the last is secured when
 * TLS is configured. compat(dex): clientv3. @throws {Error} It is no address.
 */
export function parseEndpoint(text: string, hasTls: boolean): Endpoint {
  const [, scheme = "", rest = ""] = /^(?:([a-z]+):\/\/)?(.*)$/i.exec(text) ?? [];
  const isSecure = scheme === "https" || scheme === "unixs" || (scheme === "" && hasTls);
  if (scheme === "unix" || scheme === "unixs") return { target: `unix:${rest}`, host: "localhost", isSecure };
  const url = URL.canParse(`http://${rest}`) ? new URL(`http://${rest}`) : undefined;
  if (!["", "http", "https"].includes(scheme) || url === undefined || url.hostname === "") {
    throw new Error(`${JSON.stringify(text)} is no etcd address`);
  }
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = url.port === "" ? defaultPort(rest) : url.port;
  const family = isIP(host);
  if (family === 0) return { target: `dns:${host}:${port}`, host, isSecure };
  return { target: family === 4 ? `ipv4:${host}:${port}` : `ipv6:[${host}]:${port}`, host, isSecure };
}

/** A URL drops `:80`. */
const defaultPort = (rest: string): string => (/:80(\/|$)/.test(rest) ? "80" : "2379");

export const hasTls = (ssl: EtcdSsl): boolean => Object.values(ssl).some((value) => value !== "");

/** @throws {Error} A file cannot be read. */
export async function readTlsFiles(ssl: EtcdSsl): Promise<TlsFiles> {
  const read = async (file: string): Promise<Buffer | null> => (file === "" ? null : readFile(file));
  const [ca, cert, key] = await Promise.all([read(ssl.caFile), read(ssl.certFile), read(ssl.keyFile)]);
  return { ca, cert, key };
}

export const areSameFiles = (one: TlsFiles, other: TlsFiles): boolean =>
  (["ca", "cert", "key"] as const).every((name) => (one[name] ?? "").toString() === (other[name] ?? "").toString());

const options: ChannelOptions = {
  // Lists of clients and pages of garbage are as long as they are; the server is trusted.
  "grpc.max_receive_message_length": -1,
  "grpc.max_send_message_length": -1,
  // A host that vanished without a word is noticed in 13 seconds; etcd refuses pings more often than every five.
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 3_000,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1_000,
  // Whether a call may be repeated is for the storage to say.
  "grpc.enable_retries": 0,
  "grpc.service_config_disable_resolution": 1,
  // A database is not behind the web's proxy.
  "grpc.enable_http_proxy": 0,
  "grpc.use_local_subchannel_pool": 1,
};

/** A channel to one member; it connects when it is first asked to. */
export function openChannel({ target, host, isSecure }: Endpoint, ssl: EtcdSsl, files: TlsFiles): Client {
  if (!isSecure) return new Client(target, credentials.createInsecure(), options);
  if ((files.cert === null) !== (files.key === null)) throw new Error("certFile and keyFile belong together");
  const name = ssl.serverName === "" ? host : ssl.serverName;
  const secure = credentials.createSsl(files.ca, files.key, files.cert, {
    checkServerIdentity: (_asked, certificate) => checkServerIdentity(name, certificate),
  });
  // An IP address must not be sent as a server name (RFC 6066 §3); any other name will do, the check above knows better.
  return new Client(target, secure, { ...options, "grpc.ssl_target_name_override": isIP(name) === 0 ? name : "etcd" });
}
