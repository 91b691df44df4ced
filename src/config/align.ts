import { z } from "zod";
import { quoteGo } from "../kernel/go-quote.ts";
import { didYouMean } from "./did-you-mean.ts";
import { type Findings, type Locate, nowhere, type Position } from "./mistake.ts";
import { type Entry, emptyMapping, jsonKind, type Mapping, plain, type Scalar, type Tree } from "./tree.ts";

/**
 * Brings what the file says into the shape that a schema asks for, as Go's JSON decoder would: keys in any
 * case, null as absent. What has the wrong type is reported and left out, so that the rest can still be
 * checked; what nobody asked for is reported and left out too. Remembers where everything stood.
 */

/** Where every key and list item stands, by path. */
export class Places {
  readonly #positions = new Map<string, Position>([["", { line: 1, column: 1 }]]);

  put(path: string, at: Position): void {
    this.#positions.set(path, at);
  }

  /** The place of `path`, or of what would hold it if it were there. */
  readonly locate: Locate = (path) => {
    for (let rest = path; ; rest = parentOf(rest)) {
      const at = this.#positions.get(rest);
      if (at !== undefined) return rest === path ? at : { ...at, isAbsent: true };
      if (rest === "") return nowhere;
    }
  };
}

const parentOf = (path: string): string => path.slice(0, Math.max(path.lastIndexOf("."), path.lastIndexOf("["), 0));

/** The path of `key` below `path`. */
export const below = (path: string, key: string): string => (path === "" ? key : `${path}.${key}`);

export interface AlignOptions {
  /** Whether unknown keys refuse the file. */
  readonly strict: boolean;
}

const left = Symbol("left out");

export class Aligner {
  readonly #findings: Findings;
  readonly #places: Places;
  readonly #strict: boolean;
  readonly #blocks = new Map<string, Tree>();

  constructor(findings: Findings, places: Places, options: AlignOptions) {
    this.#findings = findings;
    this.#places = places;
    this.#strict = options.strict;
  }

  /** The mapping as plain data for `schema`; nested schemas are followed. */
  object(mapping: Mapping, schema: z.ZodType, path: string): Readonly<Record<string, unknown>> {
    const value = this.#value(mapping, schema, path);
    return isRecord(value) ? value : {};
  }

  /** The untouched content of a key that has no schema of its own. Undefined where it is absent; `null` counts as present. */
  block(path: string): Tree | undefined {
    return this.#blocks.get(path);
  }

  #value(tree: Tree, declared: z.ZodType, path: string): unknown {
    const schema = unwrap(declared);
    if (schema instanceof z.ZodUnknown) {
      this.#blocks.set(path, tree);
      return plain(tree);
    }
    if (isNull(tree)) return acceptsNull(declared) ? null : left;
    if (schema instanceof z.ZodObject)
      return tree.kind === "map" ? this.#object(tree, schema, path) : this.#mistyped(tree, "object", path);
    if (schema instanceof z.ZodArray)
      return tree.kind === "list"
        ? this.#list(tree.items, schema, path)
        : this.#mistyped(tree, `[]${goType(schema.element)}`, path);
    if (schema instanceof z.ZodRecord)
      return tree.kind === "map" ? this.#record(tree, schema, path) : this.#mistyped(tree, "map[string]string", path);
    if (schema instanceof z.ZodUnion) return this.#union(tree, schema, path);
    if (schema instanceof z.ZodString || schema instanceof z.ZodEnum)
      return tree.kind === "scalar" ? this.#text(tree, path) : this.#mistyped(tree, "string", path);
    if (schema instanceof z.ZodBoolean)
      return tree.kind === "scalar" && typeof tree.value === "boolean"
        ? tree.value
        : this.#mistyped(tree, "bool", path);
    if (schema instanceof z.ZodNumber) return this.#number(tree, schema, path);
    if (schema instanceof z.ZodNull) return this.#mistyped(tree, "fs.FS", path);
    return plain(tree);
  }

  #object(mapping: Mapping, schema: z.ZodObject, path: string): Readonly<Record<string, unknown>> {
    const shape: Readonly<Record<string, z.ZodType>> = schema.shape;
    const known = Object.keys(shape);
    const found = new Map<string, Entry>();
    for (const entry of mapping.entries) {
      const key = this.knownKey(entry, known, path);
      if (key !== undefined) found.set(key, this.#respelled(found.get(key), entry, below(path, key)));
    }
    const object: Record<string, unknown> = {};
    for (const [key, entry] of found) {
      const inner = shape[key];
      const at = below(path, key);
      this.#places.put(at, entry.at);
      const value = inner === undefined ? left : this.#value(entry.value, inner, at);
      if (value !== left) object[key] = value;
    }
    return object;
  }

  /** Two spellings of one key: objects merge, null adds nothing, of anything else the later one counts. */
  #respelled(earlier: Entry | undefined, later: Entry, path: string): Entry {
    if (earlier === undefined) return later;
    this.#places.put(path, later.at);
    this.#findings.warn(
      path,
      `the key is given twice, as ${quoteGo(earlier.key)} and as ${quoteGo(later.key)}; the latter counts`,
    );
    if (isNull(later.value)) return earlier;
    if (earlier.value.kind !== "map" || later.value.kind !== "map") return later;
    return { ...later, value: { ...later.value, entries: [...earlier.value.entries, ...later.value.entries] } };
  }

  /** Which of the keys below `path` the entry spells. Undefined for none, which is said. */
  knownKey(entry: Entry, known: readonly string[], path: string): string | undefined {
    const key = matchKey(entry.key, known);
    if (key === undefined) this.#unknownKey(entry, known, path);
    return key;
  }

  #unknownKey(entry: Entry, known: readonly string[], path: string): void {
    const at = below(path, entry.key);
    this.#places.put(at, entry.at);
    const meant = didYouMean(entry.key, known);
    const more = meant === undefined ? {} : { didYouMean: meant };
    if (this.#strict && !isNeverStrict(path)) {
      this.#findings.refuse("decode", at, `${framing(path)}json: unknown field ${quoteGo(entry.key)}`, more);
    } else {
      this.#findings.warn(at, `unknown key ${quoteGo(entry.key)}, which is ignored`, more);
    }
  }

  #list(items: readonly Tree[], schema: z.ZodArray, path: string): readonly unknown[] {
    const element = schema.element as z.ZodType;
    return items.flatMap((item, index) => {
      const at = `${path}[${index}]`;
      this.#places.put(at, item.at);
      const value = this.#value(isNull(item) ? zeroOf(element, item) : item, element, at);
      return value === left ? [] : [value];
    });
  }

  #record(mapping: Mapping, schema: z.ZodRecord, path: string): Readonly<Record<string, unknown>> {
    const element = schema.valueType as z.ZodType;
    const pairs = mapping.entries.flatMap((entry): [string, unknown][] => {
      const at = below(path, entry.key);
      this.#places.put(at, entry.at);
      const value = this.#value(isNull(entry.value) ? zeroOf(element, entry.value) : entry.value, element, at);
      return value === left ? [] : [[entry.key, value]];
    });
    return Object.fromEntries(pairs);
  }

  /** The first option that could hold this kind of value. */
  #union(tree: Tree, schema: z.ZodUnion, path: string): unknown {
    const options = schema.options as readonly z.ZodType[];
    const fitting =
      options.find((option) => canHold(unwrap(option), tree)) ??
      options.find((option) => unwrap(option) instanceof z.ZodString);
    return fitting === undefined ? plain(tree) : this.#value(tree, fitting, path);
  }

  #text(scalar: Scalar, path: string): unknown {
    if (typeof scalar.value === "string") return scalar.value;
    // Only what has one spelling: `0123`, `1_000` and `1e3` may have been meant as numbers or as names.
    if (typeof scalar.value === "number" && /^(?:0|[1-9]\d*)(?:\.\d+)?$/.test(scalar.source)) {
      this.#findings.warn(path, "a number stands where text is expected; it is taken as written", {
        hint: "quote it: Dex refuses it",
      });
      return scalar.source;
    }
    return this.#mistyped(scalar, "string", path);
  }

  #number(tree: Tree, schema: z.ZodNumber, path: string): unknown {
    if (tree.kind !== "scalar" || typeof tree.value !== "number") return this.#mistyped(tree, "int", path);
    if (schema.safeParse(tree.value).success) return tree.value;
    return this.#mistyped(tree, "int", path, ` ${tree.value}`);
  }

  #mistyped(tree: Tree, wanted: string, path: string, detail = ""): typeof left {
    const field = path.replace(/\[\d+\]/g, "");
    const frame = framing(path);
    const hint = hintFor(tree, wanted);
    this.#findings.mistype(
      path,
      `${frame}json: cannot unmarshal ${jsonKind(tree)}${detail} into Go struct field Config.${field} of type ${wanted}`,
      hint === undefined ? {} : { hint },
    );
    return left;
  }
}

/** A key in the schema that Go's decoder would take `key` for. */
function matchKey(key: string, known: readonly string[]): string | undefined {
  return known.find((name) => name === key) ?? known.find((name) => fold(name) === fold(key));
}

const fold = (text: string): string => text.toUpperCase().toLowerCase();

/** Dex's strict flag does not reach these. */
const isNeverStrict = (path: string): boolean =>
  /^signer(?:\.|$)/.test(path) || /^mfa\.authenticators\[\d+\]\.config/.test(path);

/** What Dex puts before a decoding error, by where it happened. */
function framing(path: string): string {
  const match = /^(storage|signer|connectors\[\d+\])(\.config)?/.exec(path);
  if (match === null) return "";
  const [, block = "", config] = match;
  const name = block.startsWith("connectors") ? "connector" : block;
  return config === undefined ? `parse ${name}: ` : `parse ${name} config: `;
}

const isNull = (tree: Tree): boolean => tree.kind === "scalar" && tree.value === null;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** In lists and maps a null is the type's zero value, not an absence. */
function zeroOf(element: z.ZodType, item: Tree): Tree {
  const schema = unwrap(element);
  if (schema instanceof z.ZodObject) return emptyMapping(item.at);
  return schema instanceof z.ZodString ? { kind: "scalar", value: "", source: "", at: item.at } : item;
}

/** The schema of what stands in the file, without defaults and transformations. */
function unwrap(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodPipe) return unwrap(schema.in as z.ZodType);
  const wrapped =
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodReadonly ||
    schema instanceof z.ZodCatch;
  return wrapped ? unwrap(schema.unwrap() as z.ZodType) : schema;
}

const acceptsNull = (schema: z.ZodType): boolean => schema.safeParse(null).success;

function canHold(schema: z.ZodType, tree: Tree): boolean {
  if (tree.kind === "map") return schema instanceof z.ZodObject || schema instanceof z.ZodRecord;
  if (tree.kind === "list") return schema instanceof z.ZodArray;
  if (typeof tree.value === "string") return schema instanceof z.ZodString || schema instanceof z.ZodEnum;
  return typeof tree.value === "number" ? schema instanceof z.ZodNumber : schema instanceof z.ZodBoolean;
}

const goType = (element: unknown): string =>
  element instanceof z.ZodType && unwrap(element) instanceof z.ZodObject ? "object" : "string";

/** The way out, for the usual slips. Quotes only what YAML has a word for; anything else could be a secret. */
function hintFor(tree: Tree, wanted: string): string | undefined {
  if (tree.kind !== "scalar") return undefined;
  if (wanted === "string" && typeof tree.value === "boolean")
    return `YAML reads ${tree.source} as a boolean; quote it: "${tree.source}"`;
  if (wanted === "string") return "YAML reads it as a number that can be written in more than one way; quote it";
  if (typeof tree.value === "string" && (wanted === "bool" || wanted === "int")) return "write it without quotes";
  return wanted.startsWith("[]") ? "write a list: [a, b]" : undefined;
}
