import { advice } from "./advice.ts";
import { type Difference, differences, differencesForAll, type Touch } from "./differences.ts";
import type { Position } from "./mistake.ts";
import { plain, type Tree } from "./tree.ts";

/** Something that `dex doctor` says about one key of the file, or about every file: then there is no path. */
export interface Finding extends Position {
  readonly kind: "difference" | "deprecated" | "dangerous";
  readonly path: string;
  readonly message: string;
  /** What to do, or why it is so. */
  readonly todo: string;
  /** Of a difference. */
  readonly class?: Difference["kind"];
}

/** What this file has to do with what differs from Dex, and what in it is better changed. In the file's order. */
export function examine(root: Tree): readonly Finding[] {
  const touched = differences.flatMap((difference) => {
    // One mention is enough, at the first key that it touches.
    const [first] = difference.touches.flatMap((touch) => matches(root, touch));
    return first === undefined ? [] : [{ ...sayDifference(difference), path: first.path, ...first.at }];
  });
  const advised = advice.flatMap((each) =>
    matches(root, each).map(({ path, at }) => ({
      kind: each.kind,
      path,
      message: each.message,
      todo: each.todo,
      ...at,
    })),
  );
  const forAll = differencesForAll.map((difference) => ({
    ...sayDifference(difference),
    path: "",
    line: 0,
    column: 0,
  }));
  return [...forAll, ...[...touched, ...advised].toSorted((a, b) => a.line - b.line || a.column - b.column)];
}

const sayDifference = ({ what, why, kind, switchedBy }: Difference) => ({
  kind: "difference" as const,
  class: kind,
  message: what,
  todo: switchedBy === "" ? why : `${why}; switch: ${switchedBy}`,
});

interface Match {
  readonly path: string;
  readonly at: Position;
}

function matches(root: Tree, { path, when }: Touch): readonly Match[] {
  const steps = path.split(/\.|(?=\[\*\])/);
  return walk(root, steps, "", root.at).flatMap(({ tree, ...match }) =>
    when === undefined || when(plain(tree)) ? [match] : [],
  );
}

/** compat(dex): keys are read in any case. */
function walk(
  tree: Tree,
  [step, ...rest]: readonly string[],
  path: string,
  at: Position,
): readonly (Match & { readonly tree: Tree })[] {
  if (step === undefined) return [{ tree, path, at }];
  if (step === "[*]") {
    return tree.kind === "list"
      ? tree.items.flatMap((item, index) => walk(item, rest, `${path}[${index}]`, item.at))
      : [];
  }
  if (tree.kind !== "map") return [];
  const entry = tree.entries.find(({ key }) => key.toLowerCase() === step.toLowerCase());
  return entry === undefined ? [] : walk(entry.value, rest, path === "" ? entry.key : `${path}.${entry.key}`, entry.at);
}
