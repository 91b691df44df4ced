/**
 * How records become the JSON objects that Dex keeps in etcd and in Kubernetes. A kind is a list of {@link Field}s, in
 * the order in which Dex writes them; reading, writing and changing an object follow from it.
 */
import { Secret } from "../../../kernel/secret.ts";
import { formatTime, mapValues, objectEntries, parseTime, textList } from "../dex-json.ts";

/** One member of a stored object, and the property of the record that it is. */
export interface Field {
  /** Undefined: Dex always writes this member, and it means nothing. */
  readonly property?: string;
  readonly member: string;
  /** JSON of the property's value; undefined leaves the member out. */
  write(value: unknown): unknown;
  /** The property's value, of whatever foreign JSON there is; undefined leaves the property out. */
  read(value: unknown): unknown;
}

/** "omit": an empty value is left out, Go's `omitempty`. */
type Empty = "omit" | "keep";

/** The properties of `Rec` that hold a `T`, or may. */
type PropertyOf<Rec, T> = {
  [P in keyof Rec & string]-?: Required<Rec>[P] extends T ? P : never;
}[keyof Rec & string];

const unless = <T>(isEmpty: boolean, empty: Empty, value: T): T | undefined =>
  isEmpty && empty === "omit" ? undefined : value;

const bytesOf = (value: unknown): Uint8Array =>
  new Uint8Array(Buffer.from(typeof value === "string" ? value : "", "base64"));

/** A nil slice of bytes is Go's `null`. */
const writeBytes = (bytes: Uint8Array | undefined, empty: Empty): string | null | undefined =>
  bytes === undefined || bytes.byteLength === 0
    ? unless(true, empty, null)
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");

/** Undefined: absent or empty, which mean the same. */
const someBytes = (value: unknown): Uint8Array | undefined => {
  const bytes = bytesOf(value);
  return bytes.byteLength === 0 ? undefined : bytes;
};

/** What the values of a property are, and how they stand in JSON. Absent and `null` read as the zero value, as in Go. */
const define = <Value>(
  property: string,
  member: string,
  write: (value: Value) => unknown,
  read: (value: unknown) => unknown,
): Field => ({
  property,
  member,
  // The builder's types admit only properties that hold a Value.
  write: (value) => write(value as Value),
  read,
});

/** Fields of a record of type `Rec`. Each checks that its property is of the type it writes. */
export const fieldsOf = <Rec>() => ({
  text: (property: PropertyOf<Rec, string>, member: string, empty: Empty = "keep"): Field =>
    define<string>(
      property,
      member,
      (value) => unless(value === "", empty, value),
      (value) => (typeof value === "string" ? value : ""),
    ),

  secret: (property: PropertyOf<Rec, Secret>, member: string, empty: Empty = "keep"): Field =>
    define<Secret>(
      property,
      member,
      (value) => unless(value.reveal() === "", empty, value.reveal()),
      (value) => new Secret(typeof value === "string" ? value : ""),
    ),

  bool: (property: PropertyOf<Rec, boolean>, member: string, empty: Empty = "keep"): Field =>
    define<boolean>(
      property,
      member,
      (value) => unless(!value, empty, value),
      (value) => value === true,
    ),

  /** Absent, true and false differ. */
  optionalBool: (property: PropertyOf<Rec, boolean>, member: string): Field =>
    define<boolean | undefined>(
      property,
      member,
      (value) => value,
      (value) => (typeof value === "boolean" ? value : undefined),
    ),

  /** `zero`: what an absent member means. */
  integer: (property: PropertyOf<Rec, number>, member: string, zero = 0): Field =>
    define<number>(
      property,
      member,
      (value) => value,
      (value) => (typeof value === "number" ? value : zero),
    ),

  time: (property: PropertyOf<Rec, number>, member: string): Field =>
    define<number>(property, member, formatTime, parseTime),

  /** Absent differs from any time. */
  optionalTime: (property: PropertyOf<Rec, number>, member: string): Field =>
    define<number | undefined>(
      property,
      member,
      (value) => (value === undefined ? undefined : formatTime(value)),
      (value) => (value === undefined ? undefined : parseTime(value)),
    ),

  list: (property: PropertyOf<Rec, readonly string[]>, member: string, empty: Empty = "keep"): Field =>
    define<readonly string[]>(
      property,
      member,
      (value) => (value.length === 0 ? unless(true, empty, null) : value),
      textList,
    ),

  /** Absent and empty differ. */
  optionalList: (property: PropertyOf<Rec, readonly string[]>, member: string): Field =>
    define<readonly string[] | undefined>(
      property,
      member,
      (value) => value ?? null,
      (value) => (Array.isArray(value) ? textList(value) : undefined),
    ),

  optionalBytes: (property: PropertyOf<Rec, Uint8Array>, member: string): Field =>
    define<Uint8Array | undefined>(property, member, (value) => writeBytes(value, "omit"), someBytes),

  secretBytes: (property: PropertyOf<Rec, Secret<Uint8Array>>, member: string, empty: Empty = "keep"): Field =>
    define<Secret<Uint8Array>>(
      property,
      member,
      (value) => writeBytes(value.reveal(), empty),
      (value) => new Secret(bytesOf(value)),
    ),

  optionalSecretBytes: (property: PropertyOf<Rec, Secret<Uint8Array>>, member: string, empty: Empty = "keep"): Field =>
    define<Secret<Uint8Array> | undefined>(
      property,
      member,
      (value) => writeBytes(value?.reveal(), empty),
      (value) => {
        const bytes = someBytes(value);
        return bytes === undefined ? undefined : new Secret(bytes);
      },
    ),

  /** A map of objects. */
  map: <P extends keyof Rec & string, Item>(
    property: P,
    member: string,
    write: (item: Item) => unknown,
    read: (item: Readonly<Record<string, unknown>>) => Item,
    empty: Empty = "keep",
  ): Field =>
    define<Readonly<Record<string, Item>>>(
      property,
      member,
      (value) => unless(Object.keys(value).length === 0, empty, mapValues(value, write)),
      (value) => mapValues(objectEntries(value), read),
    ),

  /** Anything else. */
  value: <P extends keyof Rec & string>(
    property: P,
    member: string,
    write: (value: Rec[P]) => unknown,
    read: (value: unknown) => Rec[P],
  ): Field => define<Rec[P]>(property, member, write, read),
});

/** A member that Dex writes and that means nothing in storage. */
export const constant = (member: string, value: string): Field => ({
  member,
  write: () => value,
  read: () => undefined,
});

/** A property that this format has no member for: always `value`. */
export const notStored = (property: string, value: unknown): Field => ({
  property,
  member: "",
  write: () => undefined,
  read: () => value,
});
