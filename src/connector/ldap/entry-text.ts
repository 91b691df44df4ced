import { quoteGo } from "../../kernel/go-quote.ts";
import { type Entry, textOf } from "./wire/message.ts";

/** The raw values of an attribute. The exact spelling wins over another case; `dn` is the entry's own name. */
export function valuesOf(entry: Entry, name: string): readonly Buffer[] {
  if (name === "") return [];
  const lower = name.toLowerCase();
  const found =
    entry.attributes.find((attribute) => attribute.name === name) ??
    entry.attributes.find((attribute) => attribute.name.toLowerCase() === lower);
  if (found !== undefined) return found.values;
  return lower === "dn" ? [Buffer.from(entry.dn)] : [];
}

/** The first value as text, empty where there is none. @throws {Error} Its bytes are no text. */
export function firstText(entry: Entry, name: string): string {
  const [value] = valuesOf(entry, name);
  if (value === undefined) return "";
  const text = binaryText.get(name.toLowerCase())?.(value) ?? textOf(value);
  if (text === undefined) throw new Error(`ldap: attribute ${JSON.stringify(name)} of "${entry.dn}" is not text`);
  return text;
}

/** Active Directory's identifiers, which have a usual spelling. */
const binaryText: ReadonlyMap<string, (value: Buffer) => string | undefined> = new Map([
  ["objectguid", guidText],
  ["objectsid", sidText],
]);

/** [MS-DTYP] §2.3.4.2: the first three fields are little-endian. */
export function guidText(value: Buffer): string | undefined {
  if (value.length !== 16) return undefined;
  const ordered = Buffer.from([3, 2, 1, 0, 5, 4, 7, 6].map((index) => value[index] ?? 0));
  const hex = Buffer.concat([ordered, value.subarray(8)]).toString("hex");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** [MS-DTYP] §2.4.2.1: `S-1-5-21-…`. */
export function sidText(value: Buffer): string | undefined {
  const count = value[1] ?? 0;
  if (value.length !== 8 + 4 * count || value[0] !== 1 || count > 15) return undefined;
  const subAuthorities = Array.from({ length: count }, (_, index) => value.readUInt32LE(8 + 4 * index));
  return ["S-1", value.readUIntBE(2, 6), ...subAuthorities].join("-");
}

/** What the directory has of an entry, as an operator reads it: each attribute with its first value. */
export const rawOf = ({ dn, attributes }: Entry): string =>
  [
    `dn ${quoteGo(dn)}`,
    ...attributes.map(({ name, values: [first, ...more] }) => {
      const text = first === undefined ? "nothing" : quoteGo(textOf(first)?.slice(0, 80) ?? first.toString("hex"));
      return `${name} ${text}${more.length === 0 ? "" : ` and ${more.length} more`}`;
    }),
  ].join("; ");
