import type { Terminal } from "../terminal.ts";
import type { Shown } from "./contract.ts";

/** "2026-11-25T21:40:07Z" for seconds since 1970, "-" for none. */
export const timeOf = (seconds: number): string =>
  seconds <= 0 ? "-" : `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;

/** Prints what a command has to show: the API's answer as JSON, or what people read. */
export function print({ answer, table, facts, said }: Shown, isJson: boolean, terminal: Terminal): void {
  if (isJson) terminal.out(`${JSON.stringify(answer, bytesAsBase64, 2)}\n`);
  else if (table !== undefined) for (const line of linesOf([table.head, ...table.rows])) terminal.out(`${line}\n`);
  else if (facts !== undefined) {
    const rows = Object.entries(facts).map(([name, value]) => [`${name}:`, value]);
    for (const line of linesOf(rows)) terminal.out(`${line}\n`);
  } else if (said !== undefined) terminal.out(`${plain(said)}\n`);
}

/** Columns as wide as what stands in them. */
function linesOf(rows: readonly (readonly string[])[]): readonly string[] {
  const cells = rows.map((row) => row.map((cell) => plain(cell) || "-"));
  const widths = cells.reduce<readonly number[]>(
    (known, row) => row.map((cell, column) => Math.max(known[column] ?? 0, cell.length)),
    [],
  );
  return cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** Names come from strangers: none of them may drive the terminal. */
const plain = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?");

/** What a Buffer makes of itself before a replacer sees it. */
const bytesAsBase64 = (_name: string, value: unknown): unknown =>
  typeof value === "object" && value !== null && "type" in value && value.type === "Buffer" && "data" in value
    ? Buffer.from(value.data as readonly number[]).toString("base64")
    : value;
