import { type LogLevel, levels, parseLevel } from "../kernel/log-level.ts";
import { given } from "./read-web.ts";
import { type Reading, reasonOf } from "./reading.ts";

export interface LoggerConfig {
  readonly level: LogLevel;
  readonly format: "text" | "json";
  readonly excludeFields: readonly string[];
  /** A path, or `stdout`. */
  readonly auditFile?: string;
  readonly trailFile?: string;
}

export interface FrontendConfig {
  /** Absent: what is built in. */
  readonly dir?: string;
  readonly theme: string;
  readonly issuer: string;
  readonly logoURL: string;
  readonly extra: Readonly<Record<string, string>>;
}

export function readLogger({ file, findings }: Reading): LoggerConfig {
  const { format, excludeFields, auditFile, trailFile } = file.logger;
  const lower = format.toLowerCase();
  if (!["", "text", "json"].includes(lower)) {
    findings.refuse(
      "setup",
      "logger.format",
      `invalid config: log format is not one of the supported values (json, text): ${format}`,
    );
  }
  return {
    level: readLevel(file.logger.level, { findings }),
    format: lower === "json" ? "json" : "text",
    excludeFields,
    ...given({ auditFile, trailFile }),
  };
}

/** compat(dex): a null is no level, while an absent one is INFO. */
function readLevel(text: string | null | undefined, { findings }: Pick<Reading, "findings">): LogLevel {
  if (text === undefined) return levels.info;
  try {
    if (text === null) throw new Error("invalid syntax");
    return parseLevel(text);
  } catch (error) {
    findings.refuse("decode", "logger.level", reasonOf(error), { hint: "debug, info, warn or error" });
    return levels.info;
  }
}

/** Themes of old releases that mean the default one. compat(dex): server/templates. */
const formerThemes = ["", "coreos", "tectonic"];

export function readFrontend({ file, findings, env }: Reading): FrontendConfig {
  const { frontend } = file;
  const dir = frontend.dir === "" ? (env.DEX_FRONTEND_DIR ?? "") : frontend.dir;
  const theme = formerThemes.includes(frontend.theme) ? "light" : frontend.theme;
  if (dir !== "") {
    findings.warn("frontend.dir", "the templates in the folder are not used: of it static files and themes are served");
  } else if (theme !== "light" && theme !== "dark") {
    findings.warn("frontend.theme", "there is no such theme built in: pages will have no style", {
      hint: "light or dark",
    });
  }
  return {
    ...(dir === "" ? {} : { dir }),
    theme,
    issuer: frontend.issuer === "" ? "dex" : frontend.issuer,
    logoURL: frontend.logoURL === "" ? "theme/logo.png" : frontend.logoURL,
    extra: frontend.extra,
  };
}
