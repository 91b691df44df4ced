import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Agent, request } from "undici";
import { z } from "zod";
import { findProgram, freePort, pause, peerFolder, startPeer } from "./peer.ts";

/** The real OpenBao, where OPENBAO_BIN names one; no package brings it. */
const program = process.env.OPENBAO_BIN ?? "";

export const withoutOpenbao: string | false =
  program === "" || findProgram(program) === undefined ? "optional: OPENBAO_BIN names no OpenBao" : false;

export interface BaoAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface BaoAsk {
  readonly body?: object;
  /** Default: the root token. */
  readonly token?: string;
  readonly namespace?: string;
}

export interface BaoPeer {
  readonly url: string;
  readonly rootToken: string;
  /** Of the process as it is now. */
  pid(): number;
  /** One request, `path` below `/v1/`. */
  call(method: "GET" | "POST" | "PUT" | "DELETE" | "LIST", path: string, ask?: BaoAsk): Promise<BaoAnswer>;
  /** The same. @throws {Error} It was refused. */
  must(method: "GET" | "POST" | "PUT" | "DELETE" | "LIST", path: string, ask?: BaoAsk): Promise<BaoAnswer["body"]>;
  /** A token for the keys of one Transit engine, as the guide sets its policy. `ttl`: "1h"; empty: without an end. */
  issue(keyName: string, ttl?: string): Promise<string>;
  seal(): Promise<void>;
  unseal(): Promise<void>;
  /** Freezes the process, and lets it go on. */
  pause(): Promise<void>;
  resume(): void;
  /** Ends the process; {@link start} brings it back, unsealed, with its data. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Stops it for good and forgets its data. */
  stop(): Promise<void>;
}

export interface BaoTls {
  readonly serverCertFile: string;
  readonly serverKeyFile: string;
  readonly caFile: string;
  readonly ca: string;
  readonly clientCert: string;
  readonly clientKey: string;
}

/** What the guide tells an operator to grant for `keyName`. */
export const policyOf = (keyName: string): string =>
  `path "transit/keys/${keyName}" { capabilities = ["read"] }\npath "transit/sign/${keyName}" { capabilities = ["update"] }\n`;

const initialized = z.object({ keys: z.array(z.string()), root_token: z.string() });
const issued = z.object({ auth: z.object({ client_token: z.string() }) });

/** One server with its data in files, initialized and unsealed, a Transit engine in it. With `tls` it demands a client certificate. */
export async function startOpenbao(tls?: BaoTls): Promise<BaoPeer> {
  const [folder, port] = [peerFolder("openbao"), await freePort()];
  const url = `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`;
  const agent = new Agent(
    tls === undefined ? {} : { connect: { ca: tls.ca, cert: tls.clientCert, key: tls.clientKey } },
  );
  const listener =
    tls === undefined
      ? { tls_disable: true }
      : {
          ...{ tls_cert_file: tls.serverCertFile, tls_key_file: tls.serverKeyFile },
          ...{ tls_client_ca_file: tls.caFile, tls_require_and_verify_client_cert: true },
        };
  const config = {
    storage: { file: { path: join(folder.path, "data") } },
    listener: { tcp: { address: `127.0.0.1:${port}`, ...listener } },
    api_addr: url,
    disable_clustering: true,
  };
  const configFile = join(folder.path, "config.json");
  writeFileSync(configFile, JSON.stringify(config));

  let [rootToken, unsealKey] = ["", ""];
  const call: BaoPeer["call"] = async (method, path, { body, token = rootToken, namespace } = {}) => {
    const answer = await request(`${url}/v1/${path}`, {
      method: method as "GET",
      dispatcher: agent,
      headers: {
        ...(token === "" ? {} : { "x-vault-token": token }),
        ...(namespace === undefined ? {} : { "x-vault-namespace": namespace }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.body.text();
    return { status: answer.statusCode, body: text.startsWith("{") ? JSON.parse(text) : {} };
  };
  const must: BaoPeer["must"] = async (method, path, ask) => {
    const { status, body } = await call(method, path, ask);
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(body)}`);
    return body;
  };
  const launch = () =>
    startPeer(
      { command: program, args: ["server", `-config=${configFile}`], logFile: join(folder.path, "openbao.log") },
      async () => (await call("GET", "sys/seal-status")).status === 200,
    );
  const unseal = async (): Promise<void> => {
    await must("POST", "sys/unseal", { body: { key: unsealKey } });
    // Its mounts are there a moment after it says that it is unsealed.
    for (let tries = 0; (await call("GET", "sys/health")).status !== 200 && tries < 200; tries++)
      await new Promise((resolve) => setTimeout(resolve, 25));
  };

  let peer = await launch();
  const first = initialized.parse(await must("POST", "sys/init", { body: { secret_shares: 1, secret_threshold: 1 } }));
  rootToken = first.root_token;
  unsealKey = first.keys[0] ?? "";
  await unseal();
  await must("POST", "sys/mounts/transit", { body: { type: "transit" } });
  return {
    url,
    rootToken,
    pid: () => peer.child.pid ?? 0,
    call,
    must,
    async issue(keyName, ttl = "") {
      await must("POST", `sys/policies/acl/${keyName}`, { body: { policy: policyOf(keyName) } });
      const life = ttl === "" ? { period: "24h" } : { ttl };
      const body = { policies: [keyName], no_parent: true, ...life };
      return issued.parse(await must("POST", "auth/token/create", { body })).auth.client_token;
    },
    seal: async () => void (await must("POST", "sys/seal")),
    unseal,
    pause: () => pause(peer.child),
    resume: () => void peer.child.kill("SIGCONT"),
    kill: () => peer.stop("SIGKILL"),
    async start() {
      peer = await launch();
      await unseal();
    },
    async stop() {
      await agent.destroy();
      await peer.stop("SIGKILL");
      folder.remove();
    },
  };
}
