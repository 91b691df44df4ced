import { parseArgs } from "node:util";
import { CommandError, failure, type Terminal } from "../terminal.ts";
import { clientCommands } from "./client-commands.ts";
import { connectionFlags, targetOf } from "./connection.ts";
import { connectorCommands } from "./connector-commands.ts";
import { type AdminCommand, exitCodes, type Given } from "./contract.ts";
import { adminHelp, commandHelp } from "./help.ts";
import { lockoutCommands } from "./lockout-commands.ts";
import { passwordCommands } from "./password-commands.ts";
import { peopleCommands } from "./people-commands.ts";
import { print } from "./print.ts";
import { serverCommands } from "./server-commands.ts";
import { sessionCommands } from "./session-commands.ts";

/** Everything that can be done, in the order of the help. */
export const adminCommands: readonly AdminCommand[] = [
  ...clientCommands,
  ...passwordCommands,
  ...connectorCommands,
  ...peopleCommands,
  ...lockoutCommands,
  ...sessionCommands,
  ...serverCommands,
];

/** `dex admin RESOURCE VERB …`. Resolves to the exit code. @throws {CommandError} Misuse. */
export async function admin(words: readonly string[], terminal: Terminal): Promise<number> {
  const command = adminCommands.find((each) => each.words.split(" ").every((word, index) => words[index] === word));
  const wantsHelp = words.some((word) => word === "--help" || word === "-h");
  if (command === undefined) {
    const topic = words[0]?.startsWith("-") === false ? words[0] : "";
    const found = adminCommands.filter((each) => each.words.startsWith(`${topic} `));
    if (wantsHelp || words.length === 0 || (found.length > 0 && words.length === 1)) {
      terminal.out(adminHelp(found.length > 0 ? found : adminCommands));
      return wantsHelp ? 0 : failure;
    }
    throw new CommandError(
      `unknown command ${JSON.stringify(words.slice(0, 2).join(" "))} for "dex admin": see dex admin --help`,
    );
  }
  if (wantsHelp) {
    terminal.out(commandHelp(command));
    return 0;
  }
  const given = parse(command, words.slice(command.words.split(" ").length), terminal);
  // The library names an address where TLS wants a name; Node's word on that is for its authors, not for operators.
  process.noDeprecation = true;
  const { openAdminClient } = await import("../../server/admin-client.ts");
  const client = openAdminClient(await targetOf(given));
  try {
    const shown = await command.run(client, given);
    print(shown, given.has("json"), terminal);
    return shown.code ?? 0;
  } catch (error) {
    return complain(error, terminal);
  } finally {
    client.close();
  }
}

function parse(command: AdminCommand, words: readonly string[], terminal: Terminal): Given {
  const flags = { ...command.flags, ...connectionFlags };
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, { kind }]) => [
      name,
      { type: kind === "switch" ? "boolean" : "string", multiple: kind === "list" } as const,
    ]),
  );
  const { values, positionals } = parsed(words, options);
  if (positionals.length !== command.args.length)
    throw new CommandError(
      `usage: dex admin ${[command.words, ...command.args.map((arg) => arg.toUpperCase())].join(" ")} [flags]`,
    );
  return {
    args: positionals,
    text: (flag) => (typeof values[flag] === "string" ? values[flag] : ""),
    list: (flag) => (Array.isArray(values[flag]) ? values[flag].map(String) : []),
    has: (flag) => values[flag] !== undefined && values[flag] !== false,
    terminal,
  };
}

function parsed(words: readonly string[], options: NonNullable<Parameters<typeof parseArgs>[0]>["options"] & object) {
  try {
    return parseArgs({ args: [...words], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new CommandError(error instanceof Error ? error.message : "bad arguments", { cause: error });
  }
}

/** gRPC's numbers for what scripts tell apart. */
const unreachable = [4, 14];

function complain(error: unknown, terminal: Terminal): number {
  if (!(error instanceof Error) || !("code" in error) || !("details" in error)) throw error;
  const details = String(error.details);
  terminal.err(`${details}\n`);
  if (unreachable.includes(Number(error.code))) return exitCodes.unreachable;
  // compat(dex): the API's own words where something is not there and no flag says so.
  return details === "not found" ? exitCodes.notFound : failure;
}
