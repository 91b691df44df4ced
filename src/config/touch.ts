import type { Position } from "./mistake.ts";
import { plain, type Tree } from "./tree.ts";

/** A key, and the values of it that matter: all where there is no `when`. */
export interface Touch {
  /**
   * Keys with dots between, in any case; `[*]` is every entry of a list, `[1]` the second, `[ldap]` those whose `type` is so
   * (`*` in it stands for anything). Empty: the whole file.
   */
  readonly path: string;
  readonly when?: (value: unknown) => boolean;
}

export interface Match {
  /** As the file spells it. */
  readonly path: string;
  readonly at: Position;
}

/** "web.headers", "oauth2.pkce.enforce=true", "redirectURIs[*]=http:*": a path, and a pattern for the value. */
export function parseTouch(text: string): Touch {
  const [, path = "", pattern] = /^([^=]*)(?:=(.*))?$/s.exec(text) ?? [];
  if (pattern === undefined) return { path };
  const wanted = globOf(pattern);
  return {
    path,
    when: (value) => ["string", "number", "boolean"].includes(typeof value) && wanted.test(String(value)),
  };
}

/** `*` is any text, `?` any character, `[a-z]` and `[^a-z]` one of a set; letters count in any case. */
function globOf(pattern: string): RegExp {
  const source = pattern.replace(/\*|\?|\[[^\]]+\]|[\\^$.+()|{}[\]]/g, (part) => {
    if (part === "*") return ".*";
    if (part === "?") return ".";
    return part.length > 1 ? part : `\\${part}`;
  });
  return new RegExp(`^${source}$`, "is");
}

/** Where a file has what `touch` speaks of. */
export function matchesOf(root: Tree, { path, when }: Touch): readonly Match[] {
  const steps = path === "" ? [] : path.split(/\.|(?=\[)/);
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
  const selector = /^\[(.*)\]$/.exec(step)?.[1];
  if (selector !== undefined) {
    return tree.kind === "list"
      ? tree.items.flatMap((item, index) =>
          isSelected(item, index, selector) ? walk(item, rest, `${path}[${index}]`, item.at) : [],
        )
      : [];
  }
  if (tree.kind !== "map") return [];
  const entry = entryOf(tree, step);
  return entry === undefined ? [] : walk(entry.value, rest, path === "" ? entry.key : `${path}.${entry.key}`, entry.at);
}

const entryOf = (tree: Extract<Tree, { kind: "map" }>, key: string) =>
  tree.entries.find((entry) => entry.key.toLowerCase() === key.toLowerCase());

function isSelected(item: Tree, index: number, selector: string): boolean {
  if (selector === "*") return true;
  if (/^\d+$/.test(selector)) return index === Number(selector);
  const type = item.kind === "map" ? entryOf(item, "type")?.value : undefined;
  return type?.kind === "scalar" && globOf(selector).test(String(type.value));
}
