import { readFileSync } from "node:fs";
import { join } from "node:path";

/** One row of docs/reference/differences-from-dex.md, as `dex doctor` has it. */
export interface DifferenceRow {
  readonly what: string;
  readonly why: string;
  readonly class: string;
  readonly switch: string;
  /** "everybody", empty for everybody who will hardly notice, or settings in backticks: the row's, else its section's. */
  readonly concerns: string;
}

const page = "docs/reference/differences-from-dex.md";

/** Every row of the page, in its order. @throws {Error} A row is not whole, with its line. */
export function differenceRows(
  text = readFileSync(join(import.meta.dirname, "..", page), "utf8"),
): readonly DifferenceRow[] {
  let ofSection = "";
  return text.split("\n").flatMap((line, index) => {
    if (line.startsWith("## ")) ofSection = "";
    ofSection = /^Concerns (`.*`)\.$/.exec(line)?.[1] ?? ofSection;
    if (!line.startsWith("| ") || /^\| (What|---) /.test(line)) return [];
    const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
    const [before, what = "", why = "", kind = "", switchedBy = "", ...rest] = cells;
    const concerns = rest.length === 2 ? (rest[0] ?? "") : "";
    const isWhole = before === "" && rest.at(-1) === "" && rest.length <= 2 && what !== "";
    if (
      !isWhole ||
      !["fixed", "safer", "never", "ours"].includes(kind) ||
      !/^(everybody|(`[^`]+` ?)*)$/.test(concerns)
    ) {
      throw new Error(`${page}:${index + 1}: a row is What, Why, Class, Switch and, where it is not all, Concerns`);
    }
    return [{ what, why, class: kind, switch: switchedBy, concerns: concerns || ofSection }];
  });
}

export const differenceRowsJson = (): string => `${JSON.stringify(differenceRows(), undefined, 2)}\n`;
