import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Connection, type Endpoint } from "../http/connection.ts";
import { discover } from "../oidc/discover.ts";
import type { Server } from "./contract.ts";

export interface Program {
  readonly command: string;
  readonly arguments: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly directory: string;
  readonly issuer: string;
  readonly healthPath?: string;
  readonly databaseFile?: string;
}

const startDeadlineMs = 20_000;
const stopDeadlineMs = 5_000;
/** Short enough to time a start, long enough to leave the starting server its core. */
const pollMs = 4;

/** Children of this process that still run. An interrupted run leaves none behind. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));

/** A port of loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** Starts `program` and waits until it answers. Its output goes to a file: a pipe would cost the generator time. @throws With its last words. */
export async function launch(program: Program): Promise<Server> {
  const logFile = join(program.directory, "log");
  const log = openSync(logFile, "a");
  const logTail = (): string => readFileSync(logFile, "utf8").slice(-1_000);
  const spawnedAt = performance.now();
  const child = spawn(program.command, program.arguments, {
    cwd: program.directory,
    env: { ...process.env, ...program.environment },
    stdio: ["ignore", log, log],
  });
  running.add(child);
  let failure: unknown;
  child.on("error", (error) => (failure = error));
  child.on("exit", () => running.delete(child));
  const endpoint = { host: new URL(program.issuer).hostname, port: Number(new URL(program.issuer).port) };
  const isGone = (): boolean => failure !== undefined || child.exitCode !== null || child.signalCode !== null;
  const answers = async (path: string): Promise<number> => {
    while (!isGone() && performance.now() - spawnedAt < startDeadlineMs) {
      if (await answersOk(endpoint, path)) return performance.now() - spawnedAt;
      await sleep(pollMs);
    }
    await stop(child);
    throw new Error(`${program.command} did not start: …${logTail().slice(-300)}`, { cause: failure });
  };
  const discoveryPath = new URL(`${program.issuer}/.well-known/openid-configuration`).pathname;
  const [discovery, health] = await Promise.all([
    answers(discoveryPath),
    program.healthPath === undefined ? undefined : answers(program.healthPath),
  ]);
  return {
    pid: child.pid ?? 0,
    target: await discover(program.issuer),
    ...(program.databaseFile === undefined ? {} : { databaseFile: program.databaseFile }),
    readyAfterMs: { discovery, ...(health === undefined ? {} : { health }) },
    logTail,
    stop: () => stop(child),
  };
}

async function answersOk(endpoint: Endpoint, path: string): Promise<boolean> {
  const connection = new Connection(endpoint, 1_000);
  try {
    const { status } = await connection.send(
      `GET ${path} HTTP/1.1\r\nHost: ${endpoint.host}:${endpoint.port}\r\nConnection: close\r\n\r\n`,
    );
    return status === 200;
  } catch {
    return false;
  } finally {
    connection.close();
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (!running.has(child)) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), stopDeadlineMs);
  await exited;
  clearTimeout(timer);
}
