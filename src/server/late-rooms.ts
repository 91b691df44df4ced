import type { Config } from "../config/config.ts";
import { UnavailableError } from "../kernel/errors.ts";
import { millis } from "../kernel/ports.ts";
import { openRooms, type Rooms } from "./open-rooms.ts";
import type { RoomDeps } from "./server-deps.ts";

/** Between two attempts to reach the database. */
const pause = millis(1_000);

/** Rooms that may open later than the doors. */
export interface LateRooms {
  /** @throws {UnavailableError} The database has not answered yet. */
  current(): Rooms;
  /** The same, or undefined. */
  rooms(): Rooms | undefined;
  /** Goes on, or opens later, with another configuration. */
  change(config: Config): Promise<void>;
  /** Undefined: the server was stopped before. */
  readonly opened: Promise<Rooms | undefined>;
  close(): Promise<void>;
}

/**
 * Opens the rooms. Where only the database does not answer, the server starts all the same, answers 503, and opens
 * them as soon as it does: a restart of both must not depend on who is faster.
 * @throws {Error} Anything that waiting does not mend.
 */
export async function openRoomsOrWait(first: Config, deps: RoomDeps): Promise<LateRooms> {
  let config = first;
  let current: Rooms | undefined;
  let away: UnavailableError | undefined;
  try {
    current = await openRooms(config, deps);
  } catch (error) {
    away = asAway(error);
    deps.logger.warn("the database does not answer: serving 503 until it does", {}, error);
  }
  const closing = new AbortController();
  const signal = AbortSignal.any([deps.signal, closing.signal]);
  const keepTrying = async (): Promise<Rooms | undefined> => {
    while (current === undefined && !signal.aborted) {
      try {
        await deps.clock.sleep(pause, signal);
        const opening = config;
        const rooms = await openRooms(opening, deps);
        if (config !== opening) await rooms.change(config);
        current = rooms;
        deps.logger.info("the database answers");
      } catch (error) {
        if (signal.aborted) return undefined;
        // What is wrong with the database besides was hidden until now: the log says so, the doors stay open.
        if (!(error instanceof UnavailableError)) deps.logger.error("the database cannot be used", {}, error);
      }
    }
    return current;
  };
  const opened = keepTrying();
  return {
    current() {
      if (current === undefined) throw new UnavailableError("storage", away?.message ?? "the database is away");
      return current;
    },
    rooms: () => current,
    opened,
    async change(next) {
      config = next;
      await current?.change(next);
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
