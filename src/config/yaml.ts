import {
  Composer,
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  Parser,
  type Scalar,
} from "yaml";
import type { Position } from "./mistake.ts";
import type { Entry, Tree } from "./tree.ts";
import { keyText, plainScalar, ScalarError, type ScalarValue, taggedScalar } from "./yaml-scalar.ts";

/**
 * YAML text to a {@link Tree}, with the meanings of Dex's parser rather than the library's: the library
 * finds the structure and hands every scalar over as text (`failsafe`), the rest is decided here.
 */

/** The text is no YAML that JSON could hold. The message is framed as Dex frames it, `yaml: line 3: …`. */
export class YamlError extends Error {
  override readonly name = "YamlError";
  readonly at: Position;

  constructor(at: Position, message: string) {
    super(message);
    this.at = at;
  }
}

/** Something legal that surprises people. */
export interface Surprise extends Position {
  readonly path: string;
  readonly message: string;
}

export interface YamlText {
  readonly tree: Tree;
  readonly surprises: readonly Surprise[];
}

/** Deeper than any configuration, shallower than the stack. */
const maxDepth = 200;
/** Of nodes with every alias written out. Nine lines of aliases can stand for a billion nodes ("billion laughs"). */
const maxNodes = 100_000;

/** @throws {YamlError} */
export function readYaml(text: string): YamlText {
  refuseControlCharacters(text);
  const lines = new LineCounter();
  const tokens = new Parser(lines.addNewLine).parse(text);
  const documents = new Composer({ schema: "failsafe", version: "1.1", uniqueKeys: false, strict: true }).compose(
    tokens,
    true,
    text.length,
  );
  const place = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const first = documents.next();
  if (first.done === true) return { tree: { kind: "scalar", value: null, source: "", at: place(0) }, surprises: [] };
  const reader = new Reader(place);
  const tree = reader.read(first.value);
  const second = documents.next();
  if (second.done !== true)
    reader.surprise(second.value.range[0], "", "only the first YAML document is read; the rest of the file is ignored");
  return { tree, surprises: reader.surprises };
}

/** As Dex's reader: tab, line breaks and printable characters only. Keeps terminals safe from what we quote, too. */
function refuseControlCharacters(text: string): void {
  const bad = /[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.exec(text);
  if (bad === null) return;
  const before = text.slice(0, bad.index).split(/\r\n|\r|\n/);
  const at = { line: before.length, column: (before.at(-1) ?? "").length + 1 };
  throw new YamlError(at, `yaml: line ${at.line}: control characters are not allowed`);
}

interface Measured {
  readonly tree: Tree;
  /** Nodes below and including this one, aliases written out. */
  readonly nodes: number;
}

/** One document's walk. Anchors are bound as they pass: a name may be bound again, and an alias means the latest. */
class Reader {
  readonly #place: (offset: number) => Position;
  readonly #anchors = new Map<string, Measured | "open">();
  readonly surprises: Surprise[] = [];

  constructor(place: (offset: number) => Position) {
    this.#place = place;
  }

  read(document: Document.Parsed): Tree {
    const [error] = document.errors;
    if (error !== undefined) throw this.#error(error.pos[0], error.message);
    return this.#node(document.contents, "", 0, 0).tree;
  }

  surprise(offset: number, path: string, message: string): void {
    this.surprises.push({ ...this.#place(offset), path, message });
  }

  #error(offset: number, message: string): YamlError {
    const at = this.#place(offset);
    return new YamlError(at, `yaml: line ${at.line}: ${message}`);
  }

  #node(node: unknown, path: string, depth: number, fallback: number): Measured {
    const offset = offsetOf(node) ?? fallback;
    if (depth > maxDepth) throw this.#error(offset, `nested deeper than ${maxDepth} levels`);
    if (isAlias(node)) return this.#alias(node.source, offset);
    const anchor = isScalar(node) || isCollection(node) ? node.anchor : undefined;
    if (anchor !== undefined) this.#anchors.set(anchor, "open");
    const measured = this.#content(node, path, depth, offset);
    if (measured.nodes > maxNodes) throw this.#error(offset, "document contains excessive aliasing");
    if (anchor !== undefined) this.#anchors.set(anchor, measured);
    return measured;
  }

  #alias(name: string, offset: number): Measured {
    const measured = this.#anchors.get(name);
    if (measured === undefined) throw this.#error(offset, `unknown anchor '${name}' referenced`);
    if (measured === "open") throw this.#error(offset, `anchor '${name}' value contains itself`);
    return measured;
  }

  #content(node: unknown, path: string, depth: number, offset: number): Measured {
    const at = this.#place(offset);
    if (isMap(node)) return this.#mapping(node.items, path, depth, offset);
    if (isSeq(node)) {
      const items = node.items.map((item, index) => this.#node(item, `${path}[${index}]`, depth + 1, offset));
      const nodes = items.reduce((sum, item) => sum + item.nodes, 1);
      return { tree: { kind: "list", items: items.map((item) => item.tree), at }, nodes };
    }
    const source = isScalar(node) ? (node.source ?? "") : "";
    const value = isScalar(node) ? this.#meaning(node, source, offset) : null;
    return { tree: { kind: "scalar", value, source, at }, nodes: 1 };
  }

  #meaning(node: Scalar, source: string, offset: number): ScalarValue {
    try {
      if (node.tag !== undefined) return taggedScalar(source, node.tag);
      return node.type === "PLAIN" ? plainScalar(source) : source;
    } catch (error) {
      if (!(error instanceof ScalarError)) throw error;
      const at = this.#place(offset);
      // What JSON cannot hold is no fault of the YAML, and Dex frames it so.
      throw new YamlError(at, error.message.startsWith("json: ") ? error.message : `yaml: ${error.message}`);
    }
  }

  #mapping(pairs: readonly Pair[], path: string, depth: number, offset: number): Measured {
    const entries = new Map<string, Entry>();
    let nodes = 1;
    for (const { key, value } of pairs) {
      const keyOffset = offsetOf(key) ?? offset;
      if (isMergeKey(key)) {
        const merged = this.#node(value, path, depth + 1, keyOffset);
        nodes += merged.nodes;
        // compat(dex): a merge takes its turn among the keys, so it overrides those above it.
        for (const entry of this.#mergedEntries(merged.tree, keyOffset)) entries.set(entry.key, entry);
        continue;
      }
      const name = this.#key(key, path, depth, keyOffset);
      const below = path === "" ? name : `${path}.${name}`;
      if (entries.has(name)) this.surprise(keyOffset, below, "the key is given twice; the last one counts");
      const measured = this.#node(value, below, depth + 1, keyOffset);
      nodes += measured.nodes;
      entries.set(name, { key: name, at: this.#place(keyOffset), value: measured.tree });
    }
    return { tree: { kind: "map", entries: sorted(entries), at: this.#place(offset) }, nodes };
  }

  #key(key: unknown, path: string, depth: number, offset: number): string {
    const { tree } = this.#node(key, path, depth + 1, offset);
    if (tree.kind !== "scalar") throw this.#error(offset, "invalid map key");
    if (typeof tree.value === "string") return tree.value;
    if (tree.value !== null) return keyText(tree.value);
    throw new YamlError(this.#place(offset), "Unsupported map key of type: null");
  }

  #mergedEntries(tree: Tree, offset: number): readonly Entry[] {
    const sources = tree.kind === "list" ? tree.items.toReversed() : [tree];
    return sources.flatMap((source) => {
      if (source.kind === "map") return source.entries;
      throw this.#error(offset, "map merge requires map or sequence of maps as the value");
    });
  }
}

const offsetOf = (node: unknown): number | undefined => (isNode(node) ? node.range?.[0] : undefined);

const isMergeKey = (key: unknown): boolean =>
  isScalar(key) &&
  key.source === "<<" &&
  (key.tag === "tag:yaml.org,2002:merge" || (key.tag === undefined && key.type === "PLAIN"));

/** compat(dex): of two spellings of a key the later in byte order wins, so the order must be bytes, not UTF-16. */
const sorted = (entries: ReadonlyMap<string, Entry>): readonly Entry[] =>
  [...entries.values()].toSorted((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
