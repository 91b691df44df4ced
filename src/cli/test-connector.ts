import { loadConfig } from "../config/config.ts";
import { levels } from "../kernel/log-level.ts";
import { createLogger } from "../kernel/logger.ts";
import { systemClock, systemRandom } from "../kernel/system.ts";
import { readConfigFile } from "./read-config.ts";
import { refusal } from "./report.ts";
import { CommandError, failure, type Terminal } from "./terminal.ts";

/** `test FILE ID`: tells, line by line, what one connector finds at its upstream. @throws {CommandError} There is nothing to test. */
export async function testConnector(
  [action = "", path = "", id = ""]: readonly string[],
  flags: Readonly<Record<string, string>>,
  terminal: Terminal,
): Promise<number> {
  if (action !== "test") throw new CommandError(`unknown command ${JSON.stringify(action)} for "dex connector": test`);
  const loaded = await loadConfig(await readConfigFile(path), { env: terminal.env });
  if (!loaded.ok) throw new CommandError(refusal(path, loaded.mistakes));
  const { testConnector: test } = await import("../server/test-connector.ts");
  const { readable } = await import("../server/readable-answer.ts");
  const logger = createLogger({
    level: levels.warn,
    format: "text",
    excludeFields: [],
    write: (line) => terminal.err(line),
    clock: systemClock,
  });
  let isGood = true;
  const say = (outcome: string, about: string, text: string): void =>
    terminal.out(`${outcome.padEnd(5)} ${about.padEnd(12)} ${text}\n`);
  const isLogin = flags.login !== undefined;
  const report = {
    fact(outcome: "pass" | "warn" | "fail", about: string, text: string): void {
      if (outcome === "fail") isGood = false;
      say(outcome, about, text);
    },
    ...(isLogin ? { heard: readable((text) => say("", "answer", text)) } : {}),
  };
  const stop = new AbortController();
  const deps = { clock: systemClock, random: systemRandom, logger, env: terminal.env, signal: stop.signal };
  try {
    await test({ config: loaded.config, id, report, ask: isLogin ? terminal.ask : undefined }, deps);
  } finally {
    stop.abort();
  }
  return isGood ? 0 : failure;
}
