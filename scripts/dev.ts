/**
 * `make run`: the server with examples/dev.yaml and the example application, side by side. The server starts again
 * when a file under src/ or the config changes; its data stays in .run/. Ctrl-C ends both.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, watch } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";

const root = join(import.meta.dirname, "..");
const config = "examples/dev.yaml";
const issuer = "http://127.0.0.1:5556/dex";
const app = "http://127.0.0.1:5555";
/** An editor writes a file in several steps; wait until it is quiet. */
const quietMs = 150;
/** A server that does not drain in this time is not coming back. */
const patienceMs = 10_000;

const isFancy = process.stdout.isTTY === true && process.env.NO_COLOR === undefined;
const paint = (code: number, text: string): string => (isFancy ? `\u001b[${code}m${text}\u001b[0m` : text);
const say = (text: string): void => console.log(`${paint(35, "dev")}  ${text}`);

const banner = `
  ${paint(1, "Open")}       ${paint(36, app)}   an example application that wants to know who you are

  ${paint(1, "Sign in")}    with Email:          admin@example.com  or  user@example.com, password ${paint(1, "password")}
             with Mock Password:  mock, password ${paint(1, "password")}
             with Mock:           nothing to type

  ${paint(1, "The server")} ${issuer}   config ${config}, data in .run/dex.db, reloads when src/ changes
  ${paint(1, "Stop")}       Ctrl-C
`;

const isTaken = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => resolve(true));
    socket.on("connect", () => socket.destroy());
    socket.on("error", () => resolve(false));
  });

/**
 * Starts a child whose every line is prefixed with its name. In a process group of its own: a Ctrl-C would reach it
 * from the terminal and from {@link stop}, and two signals mean "now", not "when you are done".
 */
function start(name: string, color: number, command: string, args: readonly string[]): ChildProcess {
  const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"], detached: true });
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => console.log(`${paint(color, name)}  ${line}`));
  }
  child.on("error", (error) => say(`${name} cannot start: ${error.message}`));
  return child;
}

const isRunning = (child: ChildProcess): boolean =>
  child.pid !== undefined && child.exitCode === null && child.signalCode === null;

/** Asks politely, then insists. */
async function stop(child: ChildProcess): Promise<void> {
  if (!isRunning(child)) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const insist = setTimeout(() => child.kill("SIGKILL"), patienceMs);
  await ended;
  clearTimeout(insist);
}

/** Whether the server answers before it ends. */
async function isUp(child: ChildProcess): Promise<boolean> {
  while (isRunning(child)) {
    const response = await fetch(`${issuer}/.well-known/openid-configuration`).catch(() => undefined);
    await response?.body?.cancel();
    if (response?.ok) return true;
    await wait(100);
  }
  return false;
}

for (const [port, who] of [
  [5555, "the example application"],
  [5556, "the server"],
] as const) {
  if (!(await isTaken(port))) continue;
  console.error(`Port ${port}, where ${who} should listen, is taken. Is another 'make run' open?`);
  console.error(`To see who has it:  ss -ltnp 'sport = :${port}'   or   lsof -i :${port}`);
  process.exit(1);
}
mkdirSync(join(root, ".run"), { recursive: true });

const startServer = (): ChildProcess => start("dex", 34, join(root, "bin/dex"), ["serve", config]);
const example = start("app", 32, process.execPath, [
  join(root, "examples/relying-party/server.ts"),
  "--issuer",
  issuer,
  "--listen",
  app,
]);
let server = startServer();
let isStopping = false;
let isReloading = false;
let hasChanged = false;

/** One restart at a time; what changes meanwhile is taken up by one more. */
async function reload(): Promise<void> {
  hasChanged = true;
  if (isReloading) return;
  isReloading = true;
  while (hasChanged && !isStopping) {
    hasChanged = false;
    await stop(server);
    if (isStopping) break;
    server = startServer();
    if (await isUp(server)) say("ready again");
    else if (!isStopping) say("the server ended; it starts again when you save a change");
  }
  isReloading = false;
}

let quiet: NodeJS.Timeout | undefined;
function onChange(file: string): void {
  if (file.endsWith(".test.ts") || isStopping) return;
  clearTimeout(quiet);
  quiet = setTimeout(() => {
    say(`reloading, ${file} changed`);
    void reload();
  }, quietMs);
}
watch(join(root, "src"), { recursive: true }, (_, file) => onChange(`src/${file ?? ""}`));
// The folder, not the file: an editor that saves by renaming would leave a watch on the old file.
watch(join(root, "examples"), (_, file) => {
  if (file === "dev.yaml") onChange(config);
});

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, async () => {
    if (isStopping) return;
    isStopping = true;
    await Promise.all([stop(server), stop(example)]);
    process.exit(0);
  });
}

if (await isUp(server)) console.log(banner);
else if (!isStopping) say("the server ended (see above); it starts again when you save a change");
