/**
 * A process of its own that uses one database file, for tests of what only two processes, or a killed one, can show.
 * `storage-process.ts TASK FILE ARGUMENTS`; it says what it has done line by line on standard output.
 */
import { Secret } from "../../../kernel/secret.ts";
import { makers } from "../../conformance/makers.ts";
import { quietDeps } from "../../conformance/quiet-deps.ts";
import type { Storage } from "../../contract.ts";
import { openSqlite } from "../sqlite.ts";

const [task = "", file = "", ...args] = process.argv.slice(2);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** What a process can be asked to do. */
const tasks: Readonly<Record<string, () => Promise<void>>> = {
  /** Opens, and says what its log said. */
  async open() {
    const storage = await openSqlite(file, quietDeps({ write: say }));
    await storage.close();
    say("opened");
  },

  /** Dies at the end of the migration, before it is committed. */
  async dieMigrating() {
    const die = (line: string): void => {
      if (line.includes("applied database migrations")) process.kill(process.pid, "SIGKILL");
    };
    await openSqlite(file, quietDeps({ write: die }));
  },

  /** Adds one to the `nonce` of the refresh token "counter", `times` times, several at once. */
  async increment() {
    const [times = "", width = "1"] = args;
    const storage = await openSqlite(file, quietDeps());
    let left = Number(times);
    const lane = async (): Promise<void> => {
      while (left-- > 0) await incrementCounter(storage);
    };
    await Promise.all(Array.from({ length: Number(width) }, lane));
    await storage.close();
    say("done");
  },

  /** Creates refresh tokens without end and says each one's id once it is acknowledged. */
  async create() {
    const [prefix = ""] = args;
    const storage = await openSqlite(file, quietDeps());
    const lane = async (name: string): Promise<void> => {
      for (let number = 0; ; number++) {
        const id = `${prefix}-${name}-${number}`;
        await storage.refreshTokens.create(makers.refreshTokens({ id, token: new Secret(id) }));
        say(id);
      }
    };
    await Promise.all(["a", "b", "c", "d"].map(lane));
  },
};

async function incrementCounter({ refreshTokens }: Storage): Promise<void> {
  await refreshTokens.update("counter", (current) => ({ ...current, nonce: String(Number(current.nonce) + 1) }));
}

await tasks[task]?.();
