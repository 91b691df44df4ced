/** Several processes of the real program on one database, and a client that speaks to all of them. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { type Running, startDex } from "../cli/run-dex.ts";
import { freePort } from "../peer/peer.ts";
import { obtainCode } from "../spec/relying-party.ts";
import { appClient, issuer, mockConnector } from "../spec/server-under-test.ts";
import { UserAgent } from "../spec/user-agent.ts";

export interface Replica {
  readonly port: number;
  /** "host:port" of its gRPC API. */
  readonly grpc: string;
  /** Ends it at once, without any goodbye. */
  kill(): Promise<void>;
  start(): Promise<void>;
}

export interface Cluster {
  readonly replicas: readonly Replica[];
  /** A code of a person's login with `offline_access`, from the first replica unless told. */
  login(port?: number): Promise<string>;
  stop(): Promise<void>;
}

export async function startCluster(
  count: number,
  file: object,
  env: Readonly<Record<string, string>> = { DEX_SESSIONS_ENABLED: "false" },
): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), "dex-cluster-"));
  const config = {
    issuer,
    oauth2: { skipApprovalScreen: true },
    staticClients: [appClient],
    connectors: [mockConnector],
    // Processes are what these tests are about.
    web: { http: "127.0.0.1:0", workers: 1 },
    ...file,
  };
  writeFileSync(join(folder, "config.yaml"), stringify(config));
  const replicas: Replica[] = [];
  for (let number = 0; number < count; number++) {
    const port = await freePort();
    const grpc = `127.0.0.1:${await freePort()}`;
    let running: Running | undefined;
    replicas.push({
      port,
      grpc,
      async start() {
        const address = `127.0.0.1:${port}`;
        const args = ["serve", "config.yaml", "--web-http-addr", address, "--grpc-addr", grpc];
        running = startDex(args, { cwd: folder, env });
        await running.until(/listening on/);
      },
      async kill() {
        running?.process.kill("SIGKILL");
        await running?.finished;
      },
    });
  }
  // All at once, on an empty database: one of them migrates and makes the keys.
  await Promise.all(replicas.map((replica) => replica.start()));
  return {
    replicas,
    login: (port = replicas[0]?.port ?? 0) => codeFrom(port),
    async stop() {
      await Promise.all(replicas.map((replica) => replica.kill()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A code of a login with `offline_access`, over a connection of its own. */
export async function codeFrom(port: number): Promise<string> {
  const agent = new UserAgent({ issuer, port });
  try {
    return await obtainCode(agent, { scope: "openid offline_access" });
  } finally {
    agent.close();
  }
}

export interface TokenAnswer {
  readonly status: number;
  readonly refreshToken: string;
  readonly idToken: string;
}

/** @throws {Error} Nobody answered. */
async function askForTokens(port: number, params: Readonly<Record<string, string>>): Promise<TokenAnswer> {
  const response = await fetch(`http://127.0.0.1:${port}/dex/token`, {
    method: "POST",
    headers: { authorization: `Basic ${Buffer.from(`${appClient.id}:${appClient.secret}`).toString("base64")}` },
    body: new URLSearchParams(params),
  });
  const body: unknown = await response.json();
  const member = (name: string): string => {
    const value =
      typeof body === "object" && body !== null ? Object.entries(body).find(([key]) => key === name) : undefined;
    return typeof value?.[1] === "string" ? value[1] : "";
  };
  return { status: response.status, refreshToken: member("refresh_token"), idToken: member("id_token") };
}

export const redeemAt = (port: number, code: string): Promise<TokenAnswer> =>
  askForTokens(port, { grant_type: "authorization_code", code, redirect_uri: appClient.redirectURIs[0] });

export const refreshAt = (port: number, token: string): Promise<TokenAnswer> =>
  askForTokens(port, { grant_type: "refresh_token", refresh_token: token });

/** Signs in and redeems: the first refresh token of a family. */
export async function beginFamily(cluster: Cluster, port = cluster.replicas[0]?.port ?? 0): Promise<string> {
  const answer = await redeemAt(port, await cluster.login(port));
  assert.equal(answer.status, 200);
  return answer.refreshToken;
}
