/**
 * What a scalar means under YAML 1.1 as Dex's parser reads it. It is older and narrower than the YAML 1.1
 * types page: no base 60, no timestamps, and `08` is eight because it is a float that failed to be octal.
 */
export type ScalarValue = string | number | boolean | null;

/** A scalar that contradicts its own tag, or that JSON cannot hold. */
export class ScalarError extends Error {
  override readonly name = "ScalarError";
}

const words: ReadonlyMap<string, boolean | null> = new Map<string, boolean | null>([
  ...["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"].map((word) => [word, true] as const),
  ...["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"].map((word) => [word, false] as const),
  ...["", "~", "null", "Null", "NULL"].map((word) => [word, null] as const),
]);

const infinite = /^[-+]?\.(?:inf|Inf|INF)$/;
const notANumber = /^\.(?:nan|NaN|NAN)$/;
const float = /^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/;

/** The meaning of an unquoted scalar without a tag. @throws {ScalarError} `.inf`, `.nan`. */
export function plainScalar(text: string): ScalarValue {
  const word = words.get(text);
  if (word !== undefined) return word;
  if (infinite.test(text)) throw new ScalarError(`json: unsupported value: ${text.startsWith("-") ? "-Inf" : "+Inf"}`);
  if (notANumber.test(text)) throw new ScalarError("json: unsupported value: NaN");
  if (!/^[-+.\d]/.test(text)) return text;
  // compat(dex): a leading point takes the path that knows no underscores.
  return number(text.startsWith(".") ? text : text.replaceAll("_", "")) ?? text;
}

function number(text: string): number | undefined {
  const integer = parseInteger(text);
  if (integer !== undefined) return integer;
  if (!float.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/** Go's base prefixes: `0x`, `0b`, `0o`, and a bare `0` for octal. Undefined where it does not fit 64 bits. */
function parseInteger(text: string): number | undefined {
  const match = /^([-+]?)(?:0[xX]([\da-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|([1-9]\d*|0))$/.exec(text);
  if (match === null) return undefined;
  const [, sign, hex, binary, octal, decimal] = match;
  const magnitude =
    hex !== undefined
      ? BigInt(`0x${hex}`)
      : binary !== undefined
        ? BigInt(`0b${binary}`)
        : octal !== undefined
          ? BigInt(`0o${octal}`)
          : decimal !== undefined && decimal.length <= 20
            ? BigInt(decimal)
            : undefined;
  if (magnitude === undefined) return undefined;
  const fits = sign === "-" ? magnitude <= 1n << 63n : magnitude < (sign === "+" ? 1n << 63n : 1n << 64n);
  if (!fits) return undefined;
  return magnitude === 0n ? 0 : Number(sign === "-" ? -magnitude : magnitude);
}

const core = "tag:yaml.org,2002:";

/** The meaning of a scalar that carries `tag`, quoted or not. @throws {ScalarError} It is not what the tag says. */
export function taggedScalar(text: string, tag: string): ScalarValue {
  if (!tag.startsWith(core)) return text;
  const kind = tag.slice(core.length);
  if (kind === "binary") return decodeBinary(text);
  if (!["bool", "int", "float", "null", "timestamp"].includes(kind)) return text;
  const value = plainScalar(text);
  const actual = kindOf(value);
  const agrees =
    actual === kind || (kind === "float" && actual === "int") || (kind === "timestamp" && actual === "str");
  if (!agrees) throw new ScalarError(`cannot decode !!${actual} \`${text}\` as a !!${kind}`);
  return value;
}

function kindOf(value: ScalarValue): string {
  if (value === null) return "null";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float";
  return "str";
}

/** RFC 4648 §4, line breaks allowed. JSON cannot hold arbitrary bytes, so what is not UTF-8 is replaced. */
function decodeBinary(text: string): string {
  const compact = text.replace(/[\r\n]/g, "");
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(compact)) {
    throw new ScalarError("!!binary value contains invalid base64 data");
  }
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Buffer.from(compact, "base64"));
}

/** The text of a number or boolean as a mapping key, as Go formats it: `1.5`, `1e-05`, `true`. */
export function keyText(value: number | boolean): string {
  if (typeof value === "boolean" || Number.isSafeInteger(value)) return String(value);
  const magnitude = Math.abs(value);
  if (magnitude >= 1e-4 && magnitude < 1e6) return String(value);
  return value.toExponential().replace(/e([-+])(\d)$/, "e$10$2");
}
