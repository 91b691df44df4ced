/** The top-level fields of a line that `logger.ts` wrote, in either of its forms, as text. Undefined: it is none. */
export function readLogLine(line: string): Readonly<Record<string, string>> | undefined {
  return line.startsWith("{") ? readJson(line) : readText(line);
}

function readJson(line: string): Readonly<Record<string, string>> | undefined {
  try {
    const entries: [string, unknown][] = Object.entries(JSON.parse(line));
    return Object.fromEntries(entries.flatMap(([key, value]) => (typeof value === "string" ? [[key, value]] : [])));
  } catch {
    // Cut off, or somebody else's.
    return undefined;
  }
}

const pair = /([^\s="]+)=("(?:[^"\\]|\\.)*"|[^\s"]*)(?: |$)/gy;

/** `key=value key="quoted value"`. */
function readText(line: string): Readonly<Record<string, string>> | undefined {
  if (!line.startsWith("time=")) return undefined;
  const fields: Record<string, string> = {};
  pair.lastIndex = 0;
  for (let found = pair.exec(line); found !== null; found = pair.exec(line)) {
    const [, key = "", value = ""] = found;
    fields[key] = value.startsWith('"') ? unquoted(value.slice(1, -1)) : value;
  }
  return fields;
}

const escapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };

const unquoted = (quoted: string): string =>
  quoted.replace(
    /\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.))/gi,
    (whole, byte, short, long, char: string) => {
      const hex: string | undefined = byte ?? short ?? long;
      if (hex === undefined) return escapes[char] ?? char;
      const code = Number.parseInt(hex, 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    },
  );
