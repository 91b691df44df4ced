import { type Env, variable } from "./feature-flags.ts";
import { type Mapping, type Tree, textAt } from "./tree.ts";

/**
 * `$NAME` and `${NAME}` replaced by the environment, an unset one by nothing. The rules are those of Go's
 * `os.ExpandEnv`, which has no escape: `$$`, `$1` and their like name variables nobody sets and vanish,
 * while a `$` before anything else stays. Not repeated on its own output.
 */
export function expandEnv(text: string, env: Env): string {
  // In order: braces with a special parameter; a closed brace; an empty or unclosed one; a special parameter; a name.
  const reference = /\$(?:\{([*#$@!?\-0-9])\}|\{([^}]+)\}|(\{\}|\{)|([*#$@!?\-0-9])|([A-Za-z0-9_]+))/g;
  return text.replace(reference, (_all, special, braced, _bad, bare, name) => {
    const wanted: unknown = special ?? braced ?? bare ?? name;
    return typeof wanted === "string" ? variable(env, wanted) : "";
  });
}

/**
 * The string values of a `config` block expanded, however deep. Keys are not, nor is a list inside a list:
 * compat(dex): cmd/dex/config.go.
 */
export function expandMapping(mapping: Mapping, env: Env): Mapping {
  return { ...mapping, entries: mapping.entries.map((entry) => ({ ...entry, value: expandValue(entry.value, env) })) };
}

function expandValue(tree: Tree, env: Env): Tree {
  if (tree.kind === "map") return expandMapping(tree, env);
  if (tree.kind === "list") {
    return { ...tree, items: tree.items.map((item) => (item.kind === "list" ? item : expandValue(item, env))) };
  }
  return typeof tree.value === "string" ? textAt(expandEnv(tree.value, env), tree.at) : tree;
}
