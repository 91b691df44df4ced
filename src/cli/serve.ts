import { type Config, loadConfig, type Overrides } from "../config/config.ts";
import { createLogger } from "../kernel/logger.ts";
import type { Logger } from "../kernel/ports.ts";
import { systemClock, systemRandom } from "../kernel/system.ts";
import { announce } from "./announce.ts";
import { readConfigFile } from "./read-config.ts";
import { notBuilt, refusal } from "./report.ts";
import { CommandError, type Terminal } from "./terminal.ts";

/** Runs the server until a signal ends it. @throws {CommandError} It cannot start. */
export async function serve(
  path: string,
  flags: Readonly<Record<string, string>>,
  terminal: Terminal,
): Promise<number> {
  const loaded = await loadConfig(await readConfigFile(path), { env: terminal.env, overrides: overridesOf(flags) });
  if (!loaded.ok) throw new CommandError(refusal(path, loaded.mistakes));
  const { config, warnings } = loaded;
  const blocking = config.notYet.filter(({ blocksServing }) => blocksServing);
  if (blocking.length > 0) throw new CommandError(notBuilt(path, blocking));
  const logger = createLogger({ ...config.logger, write: (line) => terminal.err(line), clock: systemClock });
  announce(config, warnings, logger);
  await runUntilSignal(config, logger, terminal);
  return 0;
}

const overridesOf = (flags: Readonly<Record<string, string>>): Overrides => ({
  webHttp: flags["web-http-addr"] ?? "",
  webHttps: flags["web-https-addr"] ?? "",
  telemetryHttp: flags["telemetry-addr"] ?? "",
  grpcAddr: flags["grpc-addr"] ?? "",
});

/** The first SIGTERM or SIGINT drains, the second ends the process at once. SIGHUP rereads certificates. */
async function runUntilSignal(config: Config, logger: Logger, terminal: Terminal): Promise<void> {
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
  const running = await startServer(config, {
    clock: systemClock,
    random: systemRandom,
    logger,
    env: terminal.env,
    signal: stop.signal,
  });
  reload = () => running.reload();
  await running.closed;
  logger.info("shutdown now");
}
