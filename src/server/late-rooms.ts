import type { Config } from "../config/config.ts";
import type { Provider } from "../endpoint/provider.ts";
import { UnavailableError } from "../kernel/errors.ts";
import { millis } from "../kernel/ports.ts";
import type { Prepared } from "../kernel/prepared.ts";
import { openRooms, type Rooms } from "./open-rooms.ts";
import type { RoomDeps } from "./server-deps.ts";

/** Between two attempts to reach the database. */
const pause = millis(1_000);

/** Rooms that may open later than the doors. */
export interface LateRooms {
  /** Of the first configuration. @throws {UnavailableError} The database has not answered yet. */
  provider(): Provider;
  /** @throws {UnavailableError} The database has not answered yet. */
  current(): Rooms;
  /** The same, or undefined. */
  rooms(): Rooms | undefined;
  /** Gets ready for another configuration, or for opening later with it. @throws {Error} Nothing has changed. */
  prepare(config: Config): Promise<PreparedLateRooms>;
  /** Undefined: the server was stopped before. */
  readonly opened: Promise<Rooms | undefined>;
  close(): Promise<void>;
}

export interface PreparedLateRooms extends Prepared {
  /** Of the configuration to come. @throws {UnavailableError} The database has not answered yet. */
  provider(): Provider;
}

/** A configuration, and what was made of it, once there is anything to make it of. */
interface Generation {
  readonly config: Config;
  provider?: Provider;
}

/**
 * Opens the rooms. Where only the database does not answer, the server starts all the same, answers 503, and opens
 * them as soon as it does: a restart of both must not depend on who is faster.
 * @throws {Error} Anything that waiting does not mend.
 */
export async function openRoomsOrWait(config: Config, deps: RoomDeps): Promise<LateRooms> {
  const first: Generation = { config };
  let generation = first;
  let current: Rooms | undefined;
  let away: UnavailableError | undefined;
  const open = async (): Promise<void> => {
    const rooms = await openRooms(generation.config, deps);
    generation.provider = rooms.provider();
    current = rooms;
  };
  try {
    await open();
  } catch (error) {
    away = asAway(error);
    deps.logger.warn("the database does not answer: serving 503 until it does", {}, error);
  }
  const notYet = () => new UnavailableError("storage", away?.message ?? "the database is away");
  const providerOf = (of: Generation) => (): Provider => {
    if (of.provider === undefined) throw notYet();
    return of.provider;
  };
  const closing = new AbortController();
  const signal = AbortSignal.any([deps.signal, closing.signal]);
  /** Who opens them and who changes the configuration wait for each other. */
  let turn = Promise.resolve();
  const takeTurn = async (): Promise<() => void> => {
    const before = turn;
    const mine = Promise.withResolvers<void>();
    turn = mine.promise;
    await before;
    return mine.resolve;
  };
  const keepTrying = async (): Promise<Rooms | undefined> => {
    while (current === undefined && !signal.aborted) {
      let done: (() => void) | undefined;
      try {
        await deps.clock.sleep(pause, signal);
        done = await takeTurn();
        await open();
        deps.logger.info("the database answers");
      } catch (error) {
        if (signal.aborted) return undefined;
        // What is wrong with the database besides was hidden until now: the log says so, the doors stay open.
        if (!(error instanceof UnavailableError)) deps.logger.error("the database cannot be used", {}, error);
      } finally {
        done?.();
      }
    }
    return current;
  };
  const opened = keepTrying();
  return {
    provider: providerOf(first),
    current() {
      if (current === undefined) throw notYet();
      return current;
    },
    rooms: () => current,
    opened,
    async prepare(next) {
      const done = await takeTurn();
      try {
        const rooms = await current?.prepare(next);
        const coming: Generation = { config: next, ...(rooms === undefined ? {} : { provider: rooms.provider }) };
        return {
          provider: providerOf(coming),
          commit() {
            rooms?.commit();
            generation = coming;
            done();
          },
          abandon() {
            rooms?.abandon();
            done();
          },
        };
      } catch (error) {
        done();
        throw error;
      }
    },
    async close() {
      closing.abort();
      await (await opened)?.close();
    },
  };
}

/** @throws What it was given, where waiting does not mend it. */
function asAway(error: unknown): UnavailableError {
  if (error instanceof UnavailableError && error.dependency === "storage") return error;
  throw error;
}
