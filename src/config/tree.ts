import type { Position } from "./mistake.ts";

/**
 * The file as JSON values that remember where they stood. Aliases share nodes, so the tree is a graph
 * without cycles; `yaml.ts` bounds how large it is when it is walked.
 */
export type Tree = Scalar | List | Mapping;

export interface Scalar {
  readonly kind: "scalar";
  readonly value: string | number | boolean | null;
  /** The text as written, without quotes. */
  readonly source: string;
  readonly at: Position;
}

export interface List {
  readonly kind: "list";
  readonly items: readonly Tree[];
  readonly at: Position;
}

export interface Entry {
  readonly key: string;
  /** Of the key, which is what a person looks for. */
  readonly at: Position;
  readonly value: Tree;
}

export interface Mapping {
  readonly kind: "map";
  /** In byte order of their keys; each key once. compat(dex): JSON conversion sorts them. */
  readonly entries: readonly Entry[];
  readonly at: Position;
}

export const emptyMapping = (at: Position): Mapping => ({ kind: "map", entries: [], at });

export const textAt = (value: string, at: Position): Scalar => ({ kind: "scalar", value, source: value, at });

/** What JSON calls it; the word in Go's decoding errors. */
export function jsonKind(tree: Tree): "null" | "bool" | "number" | "string" | "array" | "object" {
  if (tree.kind === "list") return "array";
  if (tree.kind === "map") return "object";
  if (tree.value === null) return "null";
  return typeof tree.value === "boolean" ? "bool" : typeof tree.value === "number" ? "number" : "string";
}

/** The plain value, positions forgotten. */
export function plain(tree: Tree): unknown {
  if (tree.kind === "scalar") return tree.value;
  if (tree.kind === "list") return tree.items.map(plain);
  return Object.fromEntries(tree.entries.map(({ key, value }) => [key, plain(value)]));
}
