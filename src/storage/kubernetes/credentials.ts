/** Where the API server is and who we are to it: from a kubeconfig file, or from what every pod is given. */
import { readFile } from "node:fs/promises";
import type { RequestOptions } from "node:https";
import { isIPv6 } from "node:net";
import { join } from "node:path";
import { isObject, member } from "../shared/dex-json.ts";

export interface KubernetesConfig {
  readonly inCluster: boolean;
  readonly kubeConfigFile: string;
  readonly crdHandling: string;
}

export interface Tls {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

/** How to speak to the server for the next while. */
export interface Credentials {
  readonly tls: Tls;
  /** Of every request; it may hold a token. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface Cluster {
  readonly server: string;
  readonly namespace: string;
  /** An HTTP proxy on the way, if the kubeconfig names one. */
  readonly proxy: string | undefined;
  /** Reads tokens and certificates anew, or runs the program that makes them. */
  credentials(): Promise<Credentials>;
}

type Env = Readonly<Record<string, string | undefined>>;

const serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

/** @throws {Error} Neither, both, or unreadable. */
export function locateCluster(config: KubernetesConfig, env: Env, folder = serviceAccountFolder): Promise<Cluster> {
  if (config.inCluster && config.kubeConfigFile !== "") {
    throw new Error("cannot specify both 'inCluster' and 'kubeConfigFile'");
  }
  if (config.inCluster) return ownCluster(env, folder);
  if (config.kubeConfigFile === "") throw new Error("must specify either 'inCluster' or 'kubeConfigFile'");
  return clusterOfFile(config.kubeConfigFile);
}

async function ownCluster(env: Env, folder: string): Promise<Cluster> {
  const [host, port] = [env.KUBERNETES_SERVICE_HOST ?? "", env.KUBERNETES_SERVICE_PORT ?? ""];
  if (host === "" || port === "") {
    throw new Error(
      "unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined",
    );
  }
  const read = (name: string): Promise<string> => readFile(join(folder, name), "utf8");
  const token = (await read("token")).trim();
  const namespace = env.KUBERNETES_POD_NAMESPACE || namespaceIn(token) || (await read("namespace")).trim();
  return {
    server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    namespace,
    proxy: undefined,
    async credentials() {
      const [ca, current] = [await read("ca.crt"), (await read("token")).trim()];
      return { tls: { ca }, headers: { authorization: `Bearer ${current}` } };
    },
  };
}

/** Tokens of the old kind name their namespace. */
function namespaceIn(token: string): string {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
    const namespace = isObject(claims) ? member(claims, "kubernetes.io/serviceaccount/namespace") : undefined;
    return typeof namespace === "string" ? namespace : "";
  } catch {
    // No JWT: then it says nothing.
    return "";
  }
}

async function clusterOfFile(file: string): Promise<Cluster> {
  const { KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  config.loadFromFile(file);
  // compat(dex): plain HTTP is for `kubectl proxy`. The library wants to hear that no TLS is verified there.
  config.clusters = config.clusters.map((each) =>
    each.server.startsWith("http:") ? { ...each, skipTLSVerify: true } : each,
  );
  // compat(dex): a single context needs no naming.
  const [only, another] = config.contexts ?? [];
  if (!config.currentContext && only !== undefined && another === undefined) config.setCurrentContext(only.name);
  const context = config.getContextObject(config.currentContext);
  const cluster = config.getCurrentCluster();
  if (context === null) throw new Error("kubeconfig has no current context");
  if (cluster === null) throw new Error("kubeconfig's current context names no cluster");
  return {
    server: cluster.server.replace(/\/+$/, ""),
    namespace: context.namespace || "default",
    proxy: cluster.proxyUrl,
    async credentials() {
      const options: RequestOptions = {};
      await config.applyToHTTPSOptions(options);
      return { tls: tlsOf(options, cluster.tlsServerName), headers: headersOf(options) };
    },
  };
}

const pem = (value: unknown): string | Buffer | undefined =>
  typeof value === "string" || Buffer.isBuffer(value) ? value : undefined;

function tlsOf(options: RequestOptions, serverName: string | undefined): Tls {
  const [ca, cert, key] = [pem(options.ca), pem(options.cert), pem(options.key)];
  const servername = serverName ?? options.servername;
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(servername === undefined ? {} : { servername }),
    ...(options.rejectUnauthorized === undefined ? {} : { rejectUnauthorized: options.rejectUnauthorized }),
  };
}

function headersOf({ headers, auth }: RequestOptions): Readonly<Record<string, string>> {
  const given = Object.entries(headers ?? {}).flatMap(([name, value]): [string, string][] =>
    typeof value === "string" ? [[name.toLowerCase(), value]] : [],
  );
  const basic = typeof auth === "string" ? { authorization: `Basic ${Buffer.from(auth).toString("base64")}` } : {};
  return { ...basic, ...Object.fromEntries(given) };
}
