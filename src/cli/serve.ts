import { setFlagsFromString } from "node:v8";
import { type Config, type Loaded, type LoadOptions, loadConfig, type Overrides } from "../config/config.ts";
import { followFile } from "../kernel/follow-file.ts";
import { createLogger } from "../kernel/logger.ts";
import type { Logger } from "../kernel/ports.ts";
import { systemClock, systemRandom } from "../kernel/system.ts";
import type { Crew } from "../server/crew.ts";
import type { RunningServer } from "../server/server.ts";
import { workerCount } from "../server/worker-count.ts";
import { announce } from "./announce.ts";
import { lowerThreadPool } from "./lower-thread-pool.ts";
import { readConfigFile } from "./read-config.ts";
import { refusal } from "./report.ts";
import { CommandError, type Terminal } from "./terminal.ts";

/** Runs the server until a signal ends it. @throws {CommandError} It cannot start. */
export async function serve(
  path: string,
  flags: Readonly<Record<string, string>>,
  terminal: Terminal,
): Promise<number> {
  const content = await readConfigFile(path);
  const options = { env: terminal.env, overrides: overridesOf(flags) };
  const config = await mayServe(path, content, options);
  const logger = createLogger({ ...config.config.logger, write: (line) => terminal.err(line), clock: systemClock });
  announce(config.config, config.warnings, logger);
  const read = (changed: Uint8Array) => mayServe(path, changed, options);
  const { overrides } = options;
  const explains = "explain" in flags;
  await runUntilSignal({ path, content, overrides, config: config.config, read, logger, terminal, explains });
  return 0;
}

/** @throws {CommandError} It says why not, in Dex's words. */
async function mayServe(path: string, content: Uint8Array, options: LoadOptions): Promise<Loaded & { ok: true }> {
  const loaded = await loadConfig(content, options);
  if (!loaded.ok) throw new CommandError(refusal(path, loaded.mistakes));
  return loaded;
}

const overridesOf = (flags: Readonly<Record<string, string>>): Overrides => ({
  webHttp: flags["web-http-addr"] ?? "",
  webHttps: flags["web-https-addr"] ?? "",
  telemetryHttp: flags["telemetry-addr"] ?? "",
  grpcAddr: flags["grpc-addr"] ?? "",
});

interface Run {
  readonly path: string;
  readonly content: Uint8Array;
  readonly overrides: Overrides;
  readonly config: Config;
  readonly read: (content: Uint8Array) => Promise<Loaded & { ok: true }>;
  readonly logger: Logger;
  readonly terminal: Terminal;
  readonly explains: boolean;
}

/**
 * The first SIGTERM or SIGINT drains, the second ends the process at once. SIGHUP, and a change of the file, reread the
 * configuration with all that it names: certificates, which are followed by themselves as well, and static files.
 */
async function runUntilSignal(run: Run): Promise<void> {
  const { path, content, config, read, logger, terminal, explains } = run;
  const { startServer } = await import("../server/server.ts");
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(1);
      logger.info("received signal", { signal });
      stop.abort();
    });
  }
  let reload = async (): Promise<void> => {};
  // Without a handler SIGHUP would end the process, and a log rotation with it the logins.
  process.on("SIGHUP", () => {
    reload().catch((error: unknown) => logger.error("reload failed", {}, error));
  });
  process.on("uncaughtException", (error, origin) => endOnFault(error, origin, logger));
  const workers = workerCount(config);
  const crew = workers > 1 ? await crewOf(run, workers) : undefined;
  const running = await startServer(config, {
    clock: systemClock,
    random: systemRandom,
    logger,
    env: terminal.env,
    signal: stop.signal,
    out: terminal.out,
    ...(explains ? { explain: terminal.err } : {}),
    workers,
    ...(crew === undefined ? {} : { crew, others: crew.counters }),
  });
  // V8 lets garbage grow to several times of what lives before it looks. Half of it makes a quarter less memory under
  // load, for next to no time, because what lives is small. Not before now: with another flag V8 takes none of the
  // compiled code that Node brings along, which would cost the start a tenth of its time.
  setFlagsFromString("--heap-growing-percent=50");
  lowerThreadPool();
  reload = followFile({
    path,
    known: content,
    clock: systemClock,
    signal: stop.signal,
    onChange: (changed) => takeOver(changed, read, running, logger),
  });
  await running.closed;
  logger.info("shutdown now");
}

/** The threads beside this one. */
async function crewOf({ content, overrides, logger }: Run, count: number): Promise<Crew> {
  const { openWebCrew } = await import("./web-crew.ts");
  const onFault = (error: unknown): void => endOnFault(error, "web worker", logger);
  return openWebCrew({ count, content, overrides, logger, onFault });
}

/** All of the new file, or none of it: false. */
async function takeOver(
  changed: Uint8Array,
  read: Run["read"],
  running: RunningServer,
  logger: Logger,
): Promise<boolean> {
  try {
    const reading = read(changed);
    const ignored = await running.change(async () => (await reading).config, changed);
    for (const { message, path } of (await reading).warnings) logger.warn(message, { path });
    if (ignored.length > 0) logger.warn("config changes that count after a restart only", { keys: ignored });
    logger.info("config reloaded");
    return true;
  } catch (error) {
    logger.error("config not reloaded: the server goes on with the one it has", {}, error);
    return false;
  }
}

/**
 * A fault that nobody caught leaves the process in a state nobody knows: it is logged, and the process ends, to be
 * started anew by whoever watches it. What was promised to a client is in the database.
 */
function endOnFault(error: unknown, origin: string, logger: Logger): void {
  logger.error("a fault that nobody caught: the process ends", { origin }, error);
  process.exit(1);
}
