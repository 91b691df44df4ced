/**
 * A thread of `dex serve`: a whole server on the addresses of the first, without what a process has once (gRPC,
 * telemetry, the audit). It reads the very bytes that the first has read.
 */
import { parentPort, workerData } from "node:worker_threads";
import { type Config, loadConfig } from "../config/config.ts";
import type { CountedElsewhere } from "../kernel/attempt-limiter.ts";
import { createLogger } from "../kernel/logger.ts";
import type { Prepared } from "../kernel/prepared.ts";
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
let hearCounted: (counted: readonly CountedElsewhere[]) => void = () => {};
const server = await startServer(config, {
  clock: systemClock,
  random: systemRandom,
  logger,
  env,
  signal: stop.signal,
  workers: count,
  ...(isHeard ? { listener: distantListener((told) => say({ kind: "told", told })) } : {}),
  others: {
    tell: (counted) => say({ kind: "counted", counted }),
    hear(listener) {
      hearCounted = listener;
    },
  },
  isBeside: true,
});

/** Ready to go on with, by number: one at a time, unless an earlier one waits to be abandoned. */
const prepared = new Map<number, Prepared>();

async function prepare(change: number, bytes: Uint8Array): Promise<void> {
  try {
    prepared.set(change, await server.prepare(await read(bytes)));
    say({ kind: "prepared", change });
  } catch (error) {
    logger.error("config not reloaded: this worker cannot go on with it", {}, error);
    say({ kind: "prepared", change, refusal: error instanceof Error ? error.message : String(error) });
  }
}

/** Once, and never again. */
function take(change: number): Prepared | undefined {
  const ready = prepared.get(change);
  prepared.delete(change);
  return ready;
}

parentPort?.on("message", (order: MateOrder) => {
  switch (order.kind) {
    case "prepare":
      void prepare(order.change, order.content);
      return;
    case "commit":
      take(order.change)?.commit();
      say({ kind: "changed", change: order.change });
      return;
    case "abandon":
      take(order.change)?.abandon();
      return;
    case "counted":
      hearCounted(order.counted);
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
