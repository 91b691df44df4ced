import manifest from "../../package.json" with { type: "json" };
import type { Config } from "../config/config.ts";
import type { Observation } from "../http/site.ts";
import type { HealthReport } from "../kernel/health.ts";
import { type Clock, millis, type Observer } from "../kernel/ports.ts";
import type { BeginTrace } from "../kernel/span.ts";
import { allObservers } from "../telemetry/all-observers.ts";
import { openAudit } from "../telemetry/audit.ts";
import { openExplainer } from "../telemetry/explainer.ts";
import { type BuildInfo, createMetrics, type Readings } from "../telemetry/metrics.ts";
import { startTelemetry, type TelemetryServer } from "../telemetry/telemetry-server.ts";
import { openTrailFile } from "../telemetry/trail-file.ts";
import type { Rooms } from "./open-rooms.ts";
import { openTraces } from "./open-traces.ts";
import type { ServerDeps } from "./server-deps.ts";

/** What watches the server from its first moment to its last. */
export interface Telemetry {
  /** What every room tells. */
  readonly observer: Observer;
  /** For the listeners of people and clients. Undefined: nobody counts. */
  readonly answered: ((observation: Observation) => void) | undefined;
  /** Undefined: nobody collects traces. */
  readonly beginTrace: BeginTrace | undefined;
  /** Opens `telemetry.http`, if there is one. @throws {Error} The address is taken. */
  listen(watched: Watched): Promise<TelemetryServer | undefined>;
  /** Resolves once audit and trails are on disk, and traces on their way. */
  close(): Promise<void>;
}

/** What metrics and probes look at. */
export interface Watched {
  /** Undefined as long as the database has not answered. */
  rooms(): Rooms | undefined;
  certificateEnds(): Readonly<Record<string, Date | undefined>>;
  /** No probe is to send anybody here any more. */
  isDraining(): boolean;
}

/** @throws {Error} The audit's file cannot be used. */
export async function openTelemetry(config: Config, deps: ServerDeps): Promise<Telemetry> {
  const { clock, logger, out = () => {}, explain, listener } = deps;
  const { auditFile, trailFile, excludeFields } = config.logger;
  const audit = auditFile === undefined ? undefined : await openAudit({ target: auditFile, out, clock, logger });
  const trails = trailFile === undefined ? undefined : openTrailFile({ path: trailFile, excludeFields, clock, logger });
  const counted = await openMetrics(config, clock);
  const { traces: collected } = config.telemetry;
  const traces = collected && (await openTraces(collected, excludeFields, build.version, deps));
  const observers = [
    ...[counted?.metrics, audit?.observer, trails?.observer],
    ...[explain && openExplainer(explain, clock), traces?.observer, listener?.observer],
  ];
  return {
    observer: allObservers(observers.filter((each) => each !== undefined)),
    answered: counted?.metrics.answered ?? listener?.answered,
    beginTrace: traces?.begin,
    listen: async (watched) => counted?.listen(watched),
    async close() {
      await audit?.flush();
      await trails?.flush();
      await traces?.close();
    },
  };
}

/** Undefined where nothing listens: then nothing is counted either. */
async function openMetrics({ telemetry, signer }: Config, clock: Clock) {
  const { http: address, enableProfiling } = telemetry;
  if (address === undefined) return undefined;
  let watched: Watched = { rooms: () => undefined, certificateEnds: () => ({}), isDraining: () => false };
  const health = () => healthOf(watched, clock);
  const metrics = await createMetrics(build, {
    bcryptWaiting: () => watched.rooms()?.bcrypt.waiting(),
    certificateEnds: () => watched.certificateEnds(),
    signingKey: signingKeyReader(() => watched.rooms(), signer, clock),
    health: async () =>
      Object.fromEntries(Object.entries(await health()).map(([check, { error }]) => [check, error === undefined])),
  });
  return {
    metrics,
    listen(toWatch: Watched): Promise<TelemetryServer> {
      watched = toWatch;
      return startTelemetry({ address, enableProfiling, metrics: metrics.expose, health });
    },
  };
}

/** Node's name for a processor where Go has another. */
const goArch: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };

const build: BuildInfo = {
  version: manifest.version,
  platform: `${process.platform}/${goArch[process.arch] ?? process.arch}`,
  runtime: process.version,
};

/** compat(dex): the check is called `storage`. Ours: the end of the process is announced before it refuses anybody. */
async function healthOf(watched: Watched, clock: Clock): Promise<Readonly<Record<string, HealthReport>>> {
  const at = clock.now();
  const failed = (error: string): HealthReport => ({
    error,
    at,
    took: millis(0),
    contiguousFailures: 1,
    firstFailureAt: at,
  });
  const rooms = watched.rooms();
  const storage =
    rooms === undefined ? failed("the database has not answered yet") : await rooms.provider().health.look();
  return { storage, ...(watched.isDraining() ? { shutdown: failed("the server is shutting down") } : {}) };
}

const keysFreshFor = 15_000;

/** Storage is asked at most every 15 seconds, however often metrics are. Nothing where the keys are not ours. */
function signingKeyReader(
  rooms: () => Rooms | undefined,
  signer: Config["signer"],
  clock: Clock,
): Readings["signingKey"] {
  let readAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<number | undefined> = Promise.resolve(undefined);
  return async () => {
    const storage = rooms()?.storage;
    if (signer.type !== "local" || storage === undefined) return undefined;
    const now = clock.now();
    if (Math.abs(now - readAt) >= keysFreshFor) {
      readAt = now;
      reading = storage.keys.get("keys").then(
        (keys) => keys?.nextRotation,
        // The check of health says so; metrics have nothing to say.
        () => undefined,
      );
    }
    const nextRotation = await reading;
    if (nextRotation === undefined) return undefined;
    return { nextRotation, age: Math.max(0, now - (nextRotation - signer.keysRotationPeriod)) };
  };
}
