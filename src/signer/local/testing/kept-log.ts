import type { Fields, Logger } from "../../../kernel/ports.ts";

export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly event: string;
  readonly fields: Fields;
  readonly cause?: unknown;
}

/** A logger that keeps its lines. */
export function keptLog(): Logger & { readonly lines: readonly LogLine[] } {
  const lines: LogLine[] = [];
  const at =
    (level: LogLine["level"]) =>
    (event: string, fields: Fields = {}, cause?: unknown): void => {
      lines.push({ level, event, fields, cause });
    };
  const log = { lines, debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error"), with: () => log };
  return log;
}
