import { advice } from "./advice.ts";
import { type Difference, differences } from "./differences.ts";
import type { Position } from "./mistake.ts";
import { matchesOf } from "./touch.ts";
import type { Tree } from "./tree.ts";

/** Something that `dex doctor` says about one key of the file, or about every file: then there is no path. */
export interface Finding extends Position {
  readonly kind: "difference" | "deprecated" | "dangerous";
  readonly path: string;
  readonly message: string;
  /** What to do, or why it is so. */
  readonly todo: string;
  /** Of a difference. */
  readonly class?: string;
}

/**
 * What this file has to do with what differs from Dex, and what in it is better changed. What concerns everybody comes
 * first (with `isWhole` also what few will notice), then the file's order.
 */
export function examine(root: Tree, isWhole: boolean): readonly Finding[] {
  const forAll = differences
    .filter(({ concerns }) => concerns === "everybody" || (isWhole && concerns === "all"))
    .map((difference) => ({ ...sayDifference(difference), path: "", line: 0, column: 0 }));
  const touched = differences.flatMap((difference) => {
    if (typeof difference.concerns === "string") return [];
    // One mention is enough, at the first key that it touches.
    const [first] = difference.concerns.flatMap((touch) => matchesOf(root, touch));
    return first === undefined ? [] : [{ ...sayDifference(difference), path: first.path, ...first.at }];
  });
  const advised = advice.flatMap((each) =>
    matchesOf(root, each).map(({ path, at }) => ({
      kind: each.kind,
      path,
      message: each.message,
      todo: each.todo,
      ...at,
    })),
  );
  return [...forAll, ...[...touched, ...advised].toSorted((a, b) => a.line - b.line || a.column - b.column)];
}

/** How many rows concern everybody and are said only when asked for. */
export const hardlyNoticed = differences.filter(({ concerns }) => concerns === "all").length;

const sayDifference = ({ what, why, class: kind, switch: switchedBy }: Difference) => ({
  kind: "difference" as const,
  class: kind,
  message: what,
  todo: [...(why === "" ? [] : [why]), ...(switchedBy === "" ? [] : [`switch: ${switchedBy}`])].join("; "),
});
