import { type CommandName, commandOf, commands, isCommand } from "./commands.ts";

/** Help in the layout that Dex's users know, made from the table of commands. */

const summary = "OpenID Connect identity service";

/** What `dex --help` says. */
export const rootHelp = (): string => `${summary}\n\n${rootUsage()}`;

/** How the program is used at all. */
export function rootUsage(): string {
  const rows = [
    { name: "help", left: "help", right: "Help about any command" },
    ...names().map((name) => ({ name, left: name, right: commandOf(name).summary })),
  ];
  return [
    "Usage:",
    "  dex [flags]",
    "  dex [command]",
    "",
    "Available Commands:",
    ...columns(rows),
    "",
    "Flags:",
    "  -h, --help   help for dex",
    "",
    'Use "dex [command] --help" for more information about a command.',
    "",
  ].join("\n");
}

/** What `dex COMMAND --help` says. */
export const commandHelp = (name: CommandName): string => `${commandOf(name).summary}\n\n${commandUsage(name)}`;

/** How the command is used. */
export function commandUsage(name: CommandName): string {
  const { usage, example, flags } = commandOf(name);
  const rows = [
    { name: "help", left: "-h, --help", right: `help for ${name}` },
    ...flags.map((flag) => ({
      name: flag.name,
      left: `    --${flag.name}${flag.isSwitch === true ? "" : " string"}`,
      right: flag.summary,
    })),
  ];
  return [
    "Usage:",
    `  dex ${name} ${usage}`,
    "",
    ...(example === undefined ? [] : ["Examples:", example, ""]),
    "Flags:",
    ...columns(rows),
    "",
  ].join("\n");
}

const names = (): readonly CommandName[] => Object.keys(commands).filter(isCommand);

interface Row {
  readonly name: string;
  readonly left: string;
  readonly right: string;
}

/** By name, the right side aligned. */
function columns(rows: readonly Row[]): readonly string[] {
  const width = Math.max(...rows.map(({ left }) => left.length));
  const sorted = rows.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return sorted.map(({ left, right }) => `  ${left.padEnd(width)}   ${right}`);
}
