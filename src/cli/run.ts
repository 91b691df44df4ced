import { parseCommandLine } from "./command-line.ts";
import type { CommandName } from "./commands.ts";
import { failure, type Terminal } from "./terminal.ts";

/** Does what the arguments ask for. Resolves to the exit code. */
export async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  const invocation = parseCommandLine(argv);
  if (invocation.kind === "run") {
    try {
      return await dispatch(invocation.command, invocation.args, invocation.flags, terminal);
    } catch (error) {
      terminal.err(`${error instanceof Error ? error.message : String(error)}\n`);
      return failure;
    }
  }
  const { commandHelp, commandUsage, rootHelp, rootUsage } = await import("./help.ts");
  switch (invocation.kind) {
    case "nothing":
      terminal.out(rootHelp());
      return failure;
    case "help":
      terminal.out(invocation.command === undefined ? rootHelp() : commandHelp(invocation.command));
      return 0;
    case "misuse": {
      const { message, command, suggestion } = invocation;
      const told = suggestion === undefined ? message : `${message}\n\nDid you mean this?\n\t${suggestion}\n`;
      const isCommandUnknown = command === undefined && message.startsWith("unknown command");
      const usage = isCommandUnknown
        ? "Run 'dex --help' for usage."
        : `${command === undefined ? rootUsage() : commandUsage(command)}`;
      terminal.err(`Error: ${told}\n${usage}\n${told}\n`);
      return failure;
    }
    default:
      return invocation satisfies never;
  }
}

/** Each command is loaded when it is asked for: `version` need not wait for the server's code. */
async function dispatch(
  command: CommandName,
  args: readonly string[],
  flags: Readonly<Record<string, string>>,
  terminal: Terminal,
): Promise<number> {
  const path = args[0] ?? "";
  switch (command) {
    case "audit":
      return (await import("./audit.ts")).audit(args, terminal);
    case "explain":
      return (await import("./explain.ts")).explain(args, terminal);
    case "admin":
      return (await import("./admin/admin.ts")).admin(args, terminal);
    case "connector":
      return (await import("./test-connector.ts")).testConnector(args, flags, terminal);
    case "storage":
      return (await import("./storage.ts")).storage(args, flags, terminal);
    case "serve":
      return (await import("./serve.ts")).serve(path, flags, terminal);
    case "doctor":
      return (await import("./doctor.ts")).doctor(path, flags, terminal);
    case "validate":
      return (await import("./validate.ts")).validate(path, terminal);
    case "print-config":
      return (await import("./print-config.ts")).printConfig(path, terminal);
    case "version":
      terminal.out((await import("./version.ts")).versionText());
      return 0;
    default:
      return command satisfies never;
  }
}
