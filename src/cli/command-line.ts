import { type CommandName, commandOf, commands, isCommand } from "./commands.ts";

/** What the arguments ask for. */
export type Invocation =
  | {
      readonly kind: "run";
      readonly command: CommandName;
      readonly args: readonly string[];
      readonly flags: Readonly<Record<string, string>>;
    }
  | { readonly kind: "help"; readonly command?: CommandName }
  | { readonly kind: "nothing" }
  | { readonly kind: "misuse"; readonly message: string; readonly command?: CommandName; readonly suggestion?: string };

/**
 * Arguments without the program's name. Flags stand anywhere, as `--flag=value` or `--flag value`, until
 * `--`; of a repeated one the last counts. The messages are Dex's, because scripts see them.
 */
export function parseCommandLine(argv: readonly string[]): Invocation {
  const [first, ...rest] = argv;
  if (first === undefined) return { kind: "nothing" };
  if (first === "-h" || first === "--help") return { kind: "help" };
  if (first.startsWith("-") && first !== "-") return { kind: "misuse", message: unknownFlag(first) };
  if (first === "help")
    return rest[0] !== undefined && isCommand(rest[0]) ? { kind: "help", command: rest[0] } : { kind: "help" };
  if (!isCommand(first)) {
    const suggestion = Object.keys(commands).find((name) => name.startsWith(first));
    const message = `unknown command "${first}" for "dex"`;
    return { kind: "misuse", message, ...(suggestion === undefined ? {} : { suggestion }) };
  }
  return parseArguments(first, rest);
}

function parseArguments(command: CommandName, words: readonly string[]): Invocation {
  const misuse = (message: string): Invocation => ({ kind: "misuse", message, command });
  const { flags: known, isOwnParser } = commandOf(command);
  if (isOwnParser === true) return { kind: "run", command, args: words, flags: {} };
  const args: string[] = [];
  const flags: Record<string, string> = {};
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? "";
    if (word === "--") {
      args.push(...words.slice(index + 1));
      break;
    }
    if (!word.startsWith("-") || word === "-") {
      args.push(word);
      continue;
    }
    if (word === "-h" || word === "--help") return { kind: "help", command };
    const [, name = "", given] = /^--([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    const flag = known.find((each) => each.name === name);
    if (flag === undefined) return misuse(unknownFlag(word));
    const value = given ?? (flag.isSwitch === true ? "true" : words[++index]);
    if (value === undefined) return misuse(`flag needs an argument: --${name}`);
    flags[name] = value;
  }
  const { args: wanted } = commandOf(command);
  if (wanted !== undefined && args.length !== wanted)
    return misuse(`accepts ${wanted} arg(s), received ${args.length}`);
  return { kind: "run", command, args, flags };
}

function unknownFlag(word: string): string {
  if (word.startsWith("--")) return `unknown flag: ${word.replace(/=.*$/s, "")}`;
  return `unknown shorthand flag: '${word[1] ?? ""}' in ${word}`;
}
