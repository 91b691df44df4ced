/**
 * Real programs to test against: found on the machine, started on loopback in a folder of their own, asked until they
 * answer their own protocol, and stopped by pid. Where one is missing its suite is skipped and says which package
 * brings it; `scripts/test.ts` counts such a skip as a failure in CI.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

/** Debian keeps servers where a person's PATH does not look. */
const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];

const isThere = (file: string, mode: number): boolean => {
  try {
    accessSync(file, mode);
    return true;
  } catch {
    return false;
  }
};

/** The program's file, or undefined. `name` may be a path, also of a module that another program loads. */
export const findProgram = (name: string): string | undefined =>
  name.includes("/")
    ? [name].find((file) => isThere(file, constants.R_OK))
    : folders.map((folder) => join(folder, name)).find((file) => isThere(file, constants.X_OK));

/** For `describe(name, { skip })`: why the suite cannot run here, or false. `programs`: each with the package that brings it. */
export function missing(programs: Readonly<Record<string, string>>): string | false {
  const absent = Object.entries(programs).filter(([program]) => findProgram(program) === undefined);
  if (absent.length === 0) return false;
  const names = absent.map(([program]) => program).join(", ");
  return `no ${names}: apt-get install ${[...new Set(absent.map(([, bringer]) => bringer))].join(" ")}`;
}

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return address.port;
}

/** A folder that a daemon running as somebody else can enter too, if it can enter `parent`. `remove` forgets it. */
export function peerFolder(name: string, parent = tmpdir()): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(parent, `dex-peer-${name}-`));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export interface PeerCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Where it writes what it says. */
  readonly logFile: string;
  /** For a daemon that must not be root. */
  readonly uid?: number;
  readonly gid?: number;
  /** Milliseconds until it must answer. Default 30 seconds. */
  readonly patience?: number;
}

export interface Peer {
  readonly child: ChildProcess;
  /** Sends `signal` (default SIGTERM) and waits for the end; SIGKILL after ten seconds. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** Stops `child` in its tracks, and waits until each of its threads stands: until then one may still answer. */
export async function pause({ pid = 0 }: Pick<ChildProcess, "pid">): Promise<void> {
  process.kill(pid, "SIGSTOP");
  const tasks = `/proc/${pid}/task`;
  const stands = (thread: string): boolean => /\) T /.test(readFileSync(`${tasks}/${thread}/stat`, "latin1"));
  while (!readdirSync(tasks).every(stands)) await wait(1);
}

/** Starts a program in the foreground and asks `isReady` until it says yes. @throws {Error} It died, or was not ready in time. */
export async function startPeer(peer: PeerCommand, isReady: () => Promise<boolean>): Promise<Peer> {
  const log = openSync(peer.logFile, "a");
  const child = spawn(findProgram(peer.command) ?? peer.command, peer.args, {
    stdio: ["ignore", log, log],
    env: { ...process.env, ...peer.env },
    ...(peer.cwd === undefined ? {} : { cwd: peer.cwd }),
    ...(peer.uid === undefined ? {} : { uid: peer.uid }),
    ...(peer.gid === undefined ? {} : { gid: peer.gid }),
  });
  let fault: Error | undefined;
  child.once("error", (error) => {
    fault = error;
  });
  const started: Peer = { child, stop: (signal) => stop(child, signal) };
  const deadline = performance.now() + (peer.patience ?? 30_000);
  while (performance.now() < deadline) {
    if (fault !== undefined || child.exitCode !== null || child.signalCode !== null) break;
    if (await isReady().catch(() => false)) return started;
    await wait(50);
  }
  await started.stop();
  const said = readFileSync(peer.logFile, "utf8").slice(-2000);
  throw new Error(`${peer.command} does not answer; it said:\n${said}`, { cause: fault });
}

async function stop(child: ChildProcess, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await ended;
  clearTimeout(late);
}
