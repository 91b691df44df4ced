import { join } from "node:path";
import { Agent, fetch } from "undici";
import type { TestTls } from "../fake/certificates.ts";
import { freePort, pause, peerFolder, startPeer } from "./peer.ts";

export const etcdPrograms = { etcd: "etcd-server" };

export interface EtcdPeer {
  readonly pid: number;
  readonly endpoint: string;
  /** One call of the JSON gateway, such as `("kv/put", { key: base64, value: base64 })`. */
  call(path: string, body: object, token?: string): Promise<Readonly<Record<string, unknown>>>;
  /** Freezes the process, and lets it go on. */
  pause(): Promise<void>;
  resume(): void;
  /** Stops the process; {@link start} brings it back with its data. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Stops it for good and forgets its data. */
  stop(): Promise<void>;
}

export interface EtcdSettings {
  /** It demands a client certificate. */
  readonly tls?: TestTls;
  /** Where its folder is made. */
  readonly parent?: string;
  /** It waits for the disk, as in production; what was acknowledged survives a killed process either way. */
  readonly isDurable?: boolean;
}

/** One member on 127.0.0.1. */
export async function startEtcd(settings: EtcdSettings = {}): Promise<EtcdPeer> {
  const [only] = await startEtcdCluster(1, settings);
  if (only === undefined) throw new Error("no member");
  return only;
}

/** Members that keep one store together. */
export async function startEtcdCluster(size: number, settings: EtcdSettings = {}): Promise<readonly EtcdPeer[]> {
  const names = Array.from({ length: size }, (_, number) => `member-${number}`);
  const places: { readonly name: string; readonly endpoint: string; readonly own: string }[] = [];
  for (const name of names) {
    const scheme = settings.tls === undefined ? "http" : "https";
    const [port, peerPort] = [await freePort(), await freePort()];
    places.push({ name, endpoint: `${scheme}://127.0.0.1:${port}`, own: `http://127.0.0.1:${peerPort}` });
  }
  const cluster = places.map(({ name, own }) => `${name}=${own}`).join(",");
  // All at once: none is ready before a majority has found each other.
  return Promise.all(places.map((place) => startMember(place, cluster, settings)));
}

async function startMember(
  { name, endpoint, own }: { readonly name: string; readonly endpoint: string; readonly own: string },
  cluster: string,
  { tls, parent, isDurable = false }: EtcdSettings,
): Promise<EtcdPeer> {
  const folder = peerFolder("etcd", parent);
  const agent = new Agent(
    tls === undefined ? {} : { connect: { ca: tls.ca, cert: tls.clientCert, key: tls.clientKey } },
  );
  const secured =
    tls === undefined
      ? []
      : [
          ...["--cert-file", tls.serverCertFile, "--key-file", tls.serverKeyFile],
          ...["--client-cert-auth", "--trusted-ca-file", tls.caFile],
        ];
  const args = [
    ...["--name", name, "--data-dir", join(folder.path, "data"), "--log-level", "warn"],
    ...["--listen-client-urls", endpoint, "--advertise-client-urls", endpoint],
    ...["--listen-peer-urls", own, "--initial-advertise-peer-urls", own, "--initial-cluster", cluster],
    ...(isDurable ? [] : ["--unsafe-no-fsync"]),
    ...secured,
  ];
  const call = async (path: string, body: object, token?: string) => {
    const response = await fetch(`${endpoint}/v3/${path}`, {
      method: "POST",
      body: JSON.stringify(body),
      dispatcher: agent,
      headers: token === undefined ? {} : { authorization: token },
    });
    const answer = (await response.json()) as Readonly<Record<string, unknown>>;
    if (!response.ok) throw new Error(`etcd ${path}: ${JSON.stringify(answer)}`);
    return answer;
  };
  const isReady = async () => (await call("maintenance/status", {})).leader !== undefined;
  const launch = () => startPeer({ command: "etcd", args, logFile: join(folder.path, "etcd.log") }, isReady);
  let peer = await launch();
  return {
    get pid() {
      return peer.child.pid ?? 0;
    },
    endpoint,
    call,
    pause: () => pause(peer.child),
    resume: () => void peer.child.kill("SIGCONT"),
    kill: () => peer.stop("SIGKILL"),
    async start() {
      peer = await launch();
    },
    async stop() {
      await agent.close();
      await peer.stop("SIGKILL");
      folder.remove();
    },
  };
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** Demands users from now on: `root` may do all, the named one only what begins with `prefix`. */
export async function enableUsers(
  peer: EtcdPeer,
  user: { readonly name: string; readonly password: string; readonly prefix: string },
): Promise<void> {
  const end = user.prefix.slice(0, -1) + String.fromCharCode(user.prefix.charCodeAt(user.prefix.length - 1) + 1);
  const perm = { permType: "READWRITE", key: base64(user.prefix), range_end: base64(end) };
  await peer.call("auth/role/add", { name: "root" });
  await peer.call("auth/role/add", { name: user.name });
  await peer.call("auth/role/grant", { name: user.name, perm });
  for (const [name, password] of [
    ["root", "root"],
    [user.name, user.password],
  ]) {
    await peer.call("auth/user/add", { name, password });
    await peer.call("auth/user/grant", { user: name, role: name });
  }
  await peer.call("auth/enable", {});
}
