/**
 * A thread of `dex serve`: a whole server on the addresses of the first, without what a process has once (gRPC,
 * telemetry, the audit). It reads the very bytes that the first has read.
 */
import { parentPort, workerData } from "node:worker_threads";
import { type Config, loadConfig } from "../config/config.ts";
import { createLogger } from "../kernel/logger.ts";
import { systemClock, systemRandom } from "../kernel/system.ts";
import { distantListener } from "../server/crew.ts";
import { startServer } from "../server/server.ts";
import type { MateData, MateOrder, MateWord } from "./web-crew.ts";

const { number, count, content, overrides, isHeard }: MateData = workerData;
const { env } = process;
const say = (word: MateWord): void => parentPort?.postMessage(word);

const read = async (bytes: Uint8Array): Promise<Config> => {
  const loaded = await loadConfig(bytes, { env, overrides });
  if (!loaded.ok) throw new Error("the configuration that the first thread has read cannot be read again");
  const { config } = loaded;
  const { auditFile: _audit, trailFile: _trails, ...logger } = config.logger;
  const { http: _http, ...telemetry } = config.telemetry;
  const { addr: _addr, ...grpc } = config.grpc;
  return { ...config, logger, telemetry, grpc };
};

const config = await read(content);
const write = (line: string): void => void process.stderr.write(line);
const logger = createLogger({ ...config.logger, write, clock: systemClock }).with({ worker: number });
const stop = new AbortController();
const server = await startServer(config, {
  clock: systemClock,
  random: systemRandom,
  logger,
  env,
  signal: stop.signal,
  workers: count,
  ...(isHeard ? { listener: distantListener((told) => say({ kind: "told", told })) } : {}),
  isBeside: true,
});

/** What the first could take over, this one can, if not at once: another upstream or disk may be in the way. */
async function change(bytes: Uint8Array): Promise<void> {
  try {
    await server.change(await read(bytes));
  } catch (error) {
    logger.error("config not reloaded: this worker tries again", {}, error);
    setTimeout(() => void changed.then(() => (bytes === newest ? change(bytes) : undefined)), 1_000).unref();
  }
}

let newest = content;
/** One after the other, or an older configuration could overtake a newer one. */
let changed = Promise.resolve();
parentPort?.on("message", (order: MateOrder) => {
  switch (order.kind) {
    case "change":
      newest = order.content;
      changed = changed.then(() => change(order.content));
      return;
    case "reload":
      void server.reload();
      return;
    case "stop":
      stop.abort();
      return;
    default:
      order satisfies never;
  }
});
say({ kind: "listening" });
await server.closed;
// What was told in the last turn is on its way first.
setImmediate(() => process.exit(0));
