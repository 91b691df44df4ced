import type { Connector, ConnectorDeps, ConnectorInfo, OpenConnector } from "../connector/contract.ts";
import type { AnyConnectorType } from "../connector/registry.ts";
import { UnavailableError } from "../kernel/errors.ts";
import { asGoReads } from "../kernel/go-keys.ts";
import { type Clock, type Logger, millis, type Observer, type Random } from "../kernel/ports.ts";
import { detached } from "../kernel/span.ts";
import type { OpenUpstreamFetch, UpstreamOptions } from "../kernel/upstream-fetch.ts";
import type { ConnectorRecord } from "../storage/records.ts";
import { jittered, type UpstreamWatch, watched, watchUpstream } from "./upstream-watch.ts";

/** One connector of the pool: opened when first asked for, again until it works, and watched from then on. */
export interface ConnectorSlot {
  readonly record: ConnectorRecord;
  info(): ConnectorInfo;
  /** Somebody looks at the sign-in page: what is known of the upstream should be of now. Nobody waits for it. */
  glance(): void;
  /** Waits for the first attempt, for no later one. @throws {UnavailableError} It does not open now. */
  open(): Promise<OpenConnector>;
  /** Another one takes its place: it asks its upstream nothing more of its own accord, and serves who holds it. */
  retire(): void;
  /** Who serves until another takes the place; what has not opened gives up. Absent: this one. */
  incumbent?(): ConnectorSlot;
  /** Gives up, and closes what is open. */
  close(): Promise<void>;
}

export interface ConnectorSlotDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly openFetch: OpenUpstreamFetch;
  readonly observer: Pick<Observer, "reached">;
  readonly trustedProxies: ConnectorDeps["trustedProxies"];
  readonly types: Readonly<Record<string, () => Promise<AnyConnectorType>>>;
}

const openTimeout = millis(15_000);
const firstPause = 1_000;
const longestPause = 300_000;

const awayReason = "The upstream of this connector cannot be reached.";

/** No attempt can succeed before the record itself changes. `message` is shown to people. */
class HopelessError extends Error {
  override readonly name = "HopelessError";
}

export function createConnectorSlot(record: ConnectorRecord, deps: ConnectorSlotDeps): ConnectorSlot {
  const { id, type, name, grantTypes } = record;
  const closing = new AbortController();
  const retiring = new AbortController();
  const logger = deps.logger.with({ connector: { type, id } });
  let first: Promise<boolean> | undefined;
  let connector: Connector | undefined;
  let watch: UpstreamWatch | undefined;
  /** Why it does not open. */
  let unopened: string | undefined;

  function info(): ConnectorInfo {
    const unavailable = unopened ?? (watch?.isAway ? awayReason : undefined);
    return { id, type, name, grantTypes, ...(unavailable === undefined ? {} : { unavailable }) };
  }

  /** One attempt; resolves to whether another one makes sense. */
  async function attempt(): Promise<boolean> {
    try {
      const opened = await openInTime(record, logger, deps, closing.signal);
      if (closing.signal.aborted) {
        // Closed in the very moment that it opened: nobody else will close it.
        await closeQuietly(opened, logger);
        return false;
      }
      const resting = AbortSignal.any([closing.signal, retiring.signal]);
      const changed = (isAway: boolean): void => deps.observer.reached(id, !isAway);
      watch = opened.probe && watchUpstream(opened.probe, { ...deps, logger, closing: resting, changed });
      deps.observer.reached(id, true);
      connector = watch === undefined ? opened : watched(opened, watch);
      if (unopened !== undefined) logger.info("connector opened", { id });
      unopened = undefined;
      return false;
    } catch (error) {
      if (closing.signal.aborted) return false;
      deps.observer.reached(id, false);
      unopened = error instanceof HopelessError ? error.message : awayReason;
      deps.logger.error("server: Failed to open connector", { id }, error);
      return !(error instanceof HopelessError);
    }
  }

  function start(): Promise<boolean> {
    const begun = attempt();
    void retryAfter(begun);
    return begun;
  }

  async function retryAfter(begun: Promise<boolean>): Promise<void> {
    let pause = firstPause;
    for (let again = await begun; again; again = await attempt()) {
      try {
        await deps.clock.sleep(jittered(pause, deps.random), closing.signal);
      } catch {
        return; // The slot was closed.
      }
      pause = Math.min(pause * 2, longestPause);
    }
  }

  return {
    record,
    info,
    glance: () => watch?.glance(),
    retire: () => retiring.abort(),
    async open() {
      if (closing.signal.aborted) throw new UnavailableError(`connector ${id}`, "the connector was closed");
      first ??= detached(start);
      // A login waits for the first attempt alone: a dead upstream must not hold up every login that names it.
      if (unopened === undefined) await first;
      if (connector === undefined)
        throw new UnavailableError(`connector ${id}`, unopened ?? "the connector was closed");
      return { info: info(), connector };
    },
    async close() {
      closing.abort();
      const open = connector;
      connector = undefined;
      await closeQuietly(open, logger);
    },
  };
}

async function openInTime(
  record: ConnectorRecord,
  logger: Logger,
  deps: ConnectorSlotDeps,
  closing: AbortSignal,
): Promise<Connector> {
  const done = new AbortController();
  const opening = openOnce(record, logger, deps, closing);
  const late = deps.clock.sleep(openTimeout, AbortSignal.any([done.signal, closing])).then(() => {
    throw new Error("it did not open in time");
  });
  try {
    return await Promise.race([opening, late]);
  } catch (error) {
    // What opens after all is nobody's any more.
    opening.then(
      (connector) => closeQuietly(connector, logger),
      () => undefined,
    );
    throw error;
  } finally {
    done.abort();
  }
}

async function openOnce(
  record: ConnectorRecord,
  logger: Logger,
  deps: ConnectorSlotDeps,
  closing: AbortSignal,
): Promise<Connector> {
  const { id, name } = record;
  const { clock, random, types, trustedProxies = [] } = deps;
  // Not a bare index: "constructor" is no connector type.
  const load = Object.hasOwn(types, record.type) ? types[record.type] : undefined;
  if (load === undefined) throw new HopelessError(`unknown connector type ${JSON.stringify(record.type)}`);
  const type = await load();
  const config = asGoReads(parseConfig(record), type.config);
  try {
    type.config.parse(config);
  } catch (cause) {
    throw new HopelessError("The configuration of this connector is invalid.", { cause });
  }
  const openFetch = (options: UpstreamOptions = {}): typeof fetch =>
    deps.openFetch(options, { dependency: `connector ${id}`, closing });
  return type.open(config, { id, name, clock, random, logger, openFetch, trustedProxies });
}

function parseConfig(record: ConnectorRecord): unknown {
  const bytes = record.config.reveal();
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    // No cause: the parser's message quotes the text, and the text holds secrets.
    throw new HopelessError("The configuration of this connector is not JSON.");
  }
}

async function closeQuietly(connector: Connector | undefined, logger: Logger): Promise<void> {
  try {
    await connector?.close?.();
  } catch (error) {
    logger.warn("failed to close connector", {}, error);
  }
}
