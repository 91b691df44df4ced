import { loadConfig } from "../config/config.ts";
import { examine, type Finding, hardlyNoticed } from "../config/examine.ts";
import { readYaml } from "../config/yaml.ts";
import { readConfigOrStdin } from "./read-config.ts";
import { findingLine, inFileOrder, refusal } from "./report.ts";
import { CommandError, failure, type Terminal } from "./terminal.ts";

/** Exit code where something deprecated or dangerous was found. */
const advised = 1;

/**
 * Reads a configuration made for Dex and says what is different here for it, what in it is deprecated and what is
 * dangerous, each with its line and what to do. 0: nothing to change. 1: something is. 2: the file cannot be served.
 */
export async function doctor(
  path: string,
  flags: Readonly<Record<string, string>>,
  terminal: Terminal,
): Promise<number> {
  const source = await readConfigOrStdin(path, terminal);
  const loaded = await loadConfig(source, { env: terminal.env });
  const mistakes = loaded.ok ? [] : inFileOrder(loaded.mistakes);
  // What cannot be parsed has no keys to examine.
  if (mistakes.some(({ stage }) => stage === "parse")) throw new CommandError(refusal(path, mistakes));
  const isWhole = flags.all !== undefined;
  const findings = examine(readYaml(new TextDecoder().decode(source)).tree, isWhole);
  if (flags.json === undefined) {
    for (const mistake of mistakes) terminal.err(`${findingLine(path, mistake)}\n`);
    for (const finding of findings) terminal.out(`${lineOf(path, finding)}\n`);
    if (!isWhole)
      terminal.out(`${hardlyNoticed} more differences concern every config, and few will notice: dex doctor --all\n`);
  } else {
    const told = mistakes.map(({ line, column, path: key, message }) => ({ line, column, path: key, message }));
    terminal.out(`${JSON.stringify({ mistakes: told, findings }, undefined, 2)}\n`);
  }
  if (!loaded.ok) return failure;
  return findings.some(({ kind }) => kind !== "difference") ? advised : 0;
}

const lineOf = (file: string, finding: Finding): string => {
  const kind = finding.class === undefined ? finding.kind : `${finding.kind} (${finding.class})`;
  return findingLine(file, { ...finding, message: `${kind}: ${finding.message}`, hint: finding.todo });
};
