import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Agent, request } from "undici";
import { makeTestTls, tlsPrograms } from "../fake/certificates.ts";
import { type EtcdSettings, etcdPrograms, startEtcd } from "./etcd.ts";
import { findProgram, freePort, missing, peerFolder, startPeer } from "./peer.ts";

/** The real API server, where KUBE_APISERVER_BIN names one; no package brings it. */
const program = process.env.KUBE_APISERVER_BIN ?? "";

export const withoutKubeApiserver: string | false =
  program === "" || findProgram(program) === undefined
    ? "optional: KUBE_APISERVER_BIN names no kube-apiserver"
    : missing({ ...etcdPrograms, ...tlsPrograms });

export interface KubeAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface KubePeer {
  readonly pid: number;
  /** A kubeconfig file of somebody who may do everything. */
  readonly kubeconfig: string;
  /** The same with another namespace than `default`. */
  kubeconfigIn(namespace: string): string;
  /** For a user of that token, who may do what roles say. */
  kubeconfigOf(token: string, namespace?: string): string;
  /** One request as the administrator. */
  call(method: "GET" | "POST" | "PUT" | "DELETE", path: string, body?: object): Promise<KubeAnswer>;
  /** The same as whoever holds `token`. */
  callAs(token: string, method: "GET" | "POST", path: string, body?: object): Promise<KubeAnswer>;
  stop(): Promise<void>;
}

/** Tokens of the users that a server under test knows: the administrator, and `dex` without any role. */
export const kubeTokens = { admin: "admin-token", dex: "dex-token" };

/** A kubeconfig as JSON, which is YAML too. */
export const kubeconfigText = (server: string, caFile: string, user: object, namespace?: string): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "c", cluster: { server, ...(caFile === "" ? {} : { "certificate-authority": caFile }) } }],
    users: [{ name: "u", user }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u", ...(namespace === undefined ? {} : { namespace }) } }],
    "current-context": "x",
  });

/** A bare API server: no nodes, no controllers, its own etcd. `flags`: more of them. */
export async function startKubeApiserver(flags: readonly string[] = [], store: EtcdSettings = {}): Promise<KubePeer> {
  const [folder, port, etcd] = [peerFolder("kube", store.parent), await freePort(), await startEtcd(store)];
  const tls = makeTestTls({ client: "O=system:masters,CN=admin" });
  const at = (name: string): string => join(folder.path, name);
  const { privateKey, publicKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  writeFileSync(at("sa.key"), privateKey);
  writeFileSync(at("sa.pub"), publicKey);
  writeFileSync(
    at("tokens.csv"),
    `${kubeTokens.admin},admin,admin-uid,"system:masters"\n${kubeTokens.dex},dex,dex-uid\n`,
  );
  const server = `https://127.0.0.1:${port}`;
  const args = [
    ...[`--etcd-servers=${etcd.endpoint}`, `--secure-port=${port}`, "--bind-address=127.0.0.1"],
    ...["--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.0.0.0/24"],
    ...["--authorization-mode=RBAC", `--token-auth-file=${at("tokens.csv")}`, `--client-ca-file=${tls.caFile}`],
    ...[`--service-account-issuer=${server}`, `--service-account-key-file=${at("sa.pub")}`],
    ...[`--service-account-signing-key-file=${at("sa.key")}`, `--cert-dir=${folder.path}`],
    ...[`--tls-cert-file=${tls.serverCertFile}`, `--tls-private-key-file=${tls.serverKeyFile}`],
    ...flags,
  ];
  const agent = new Agent({ connect: { ca: tls.ca } });
  type Method = "GET" | "POST" | "PUT" | "DELETE";
  const send = async (method: Method, path: string, body?: object, token: string = kubeTokens.admin) => {
    const answer = await request(server + path, {
      method,
      dispatcher: agent,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.statusCode, text: await answer.body.text() };
  };
  const peer = await startPeer(
    { command: program, args, logFile: at("kube-apiserver.log"), patience: 90_000 },
    async () => (await send("GET", "/readyz")).status === 200,
  );
  let files = 0;
  const kubeconfigOf = (user: object, namespace?: string): string => {
    const file = at(`${files++}.kubeconfig`);
    writeFileSync(file, kubeconfigText(server, tls.caFile, user, namespace));
    return file;
  };
  const admin = { "client-certificate": tls.clientCertFile, "client-key": tls.clientKeyFile };
  return {
    pid: peer.child.pid ?? 0,
    kubeconfig: kubeconfigOf(admin),
    kubeconfigIn: (namespace) => kubeconfigOf(admin, namespace),
    kubeconfigOf: (token, namespace) => kubeconfigOf({ token }, namespace),
    call: async (method, path, body) => answerOf(await send(method, path, body)),
    callAs: async (token, method, path, body) => answerOf(await send(method, path, body, token)),
    async stop() {
      await agent.destroy();
      await peer.stop("SIGKILL");
      await etcd.stop();
      tls.remove();
      folder.remove();
    },
  };
}

const answerOf = ({ status, text }: { readonly status: number; readonly text: string }): KubeAnswer => ({
  status,
  body: text.startsWith("{") ? JSON.parse(text) : {},
});
