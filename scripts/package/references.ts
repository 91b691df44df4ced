/**
 * What our code refers to by `new URL("…", import.meta.url)`: the entry of a thread or a child process when it is a
 * `.ts` file, else something to ship beside the code. One place finds them, so that a new one needs no list.
 */
import { globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** Our own code that is loaded when it is needed. */
const lazy = /\bimport\(\s*"(\.[^"]+\.ts)"\s*\)/g;
const pattern = /new URL\(\s*"(\.[^"]+)",\s*import\.meta\.url\s*\)/g;

export interface References {
  /** Absolute paths of `.ts` files that start by themselves. */
  readonly entries: readonly string[];
  /** Absolute paths of files and folders that are read at run time. */
  readonly assets: readonly string[];
  /** Absolute paths of the `.ts` files that somebody loads by `import()`. */
  readonly lazy: ReadonlySet<string>;
}

/** The name that `path` has in the folder where all code and assets of a bundle lie side by side. */
export const shippedName = (path: string): string => basename(path).replace(/\.ts$/, ".mjs");

const targetsIn = (file: string, text: string, of = pattern): readonly string[] =>
  [...text.matchAll(of)].map(([, target = ""]) => join(dirname(file), target));

/** Reads every file that ships. @throws {Error} Two references would get the same name. */
export function findReferences(root: string): References {
  const files = globSync("src/**/*.ts", {
    cwd: root,
    exclude: (name) => /\.test\.ts$|\/(testing|conformance)$/.test(name),
  });
  const texts = files.map((file) => [join(root, file), readFileSync(join(root, file), "utf8")] as const);
  const targets = new Set(texts.flatMap(([file, text]) => targetsIn(file, text)));
  const names = new Set([...targets].map(shippedName));
  if (names.size !== targets.size) throw new Error(`two shipped files have one name: ${[...targets].join(", ")}`);
  return {
    entries: [...targets].filter((target) => target.endsWith(".ts")),
    assets: [...targets].filter((target) => !target.endsWith(".ts")),
    lazy: new Set(texts.flatMap(([file, text]) => targetsIn(file, text, lazy))),
  };
}

/** `text` with each reference leading to its place beside the bundled file. */
export const redirectReferences = (text: string): string =>
  text.replace(pattern, (_, target: string) => {
    const folder = target.endsWith("/") ? "/" : "";
    return `new URL("./${shippedName(target)}${folder}", import.meta.url)`;
  });
