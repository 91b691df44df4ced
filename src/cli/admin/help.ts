import { connectionFlags } from "./connection.ts";
import type { AdminCommand, AdminFlag } from "./contract.ts";

/** What `dex admin --help` says, of all commands or of those of one resource. */
export const adminHelp = (commands: readonly AdminCommand[]): string =>
  [
    "Administer a running server over its gRPC API",
    "",
    "Usage:",
    "  dex admin RESOURCE VERB [arguments] [flags]",
    "",
    "Commands:",
    ...columns(commands.map(({ words, args, summary }) => [[words, ...args.map(upper)].join(" "), summary])),
    "",
    "Flags of every command:",
    ...columns(flagRows(connectionFlags)),
    "",
    "Exit codes: 0 done, 1 the password is wrong, 2 failed, 3 not found, 4 exists already, 5 the server does not answer.",
    'Use "dex admin RESOURCE VERB --help" for more information about a command.',
    "",
  ].join("\n");

/** What `dex admin RESOURCE VERB --help` says. */
export const commandHelp = ({ words, args, summary, flags }: AdminCommand): string =>
  [
    summary,
    "",
    "Usage:",
    `  dex admin ${[words, ...args.map(upper)].join(" ")} [flags]`,
    "",
    ...(Object.keys(flags).length === 0 ? [] : ["Flags:", ...columns(flagRows(flags)), ""]),
    "Flags of every command:",
    ...columns(flagRows(connectionFlags)),
    "",
  ].join("\n");

const upper = (name: string): string => name.toUpperCase();

const flagRows = (flags: Readonly<Record<string, AdminFlag>>): readonly (readonly [string, string])[] =>
  Object.entries(flags).map(([name, { kind, summary }]) => [`--${name}${kind === "switch" ? "" : " string"}`, summary]);

function columns(rows: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}   ${right}`);
}
