import { levels } from "../../kernel/log-level.ts";
import { createLogger } from "../../kernel/logger.ts";
import { systemClock, systemRandom } from "../../kernel/system.ts";
import { runStorageConformance } from "../conformance/conformance.ts";
import { openSqlite } from "./sqlite.ts";

const logger = createLogger({
  level: levels.error,
  format: "text",
  excludeFields: [],
  write: () => {},
  clock: systemClock,
});

runStorageConformance("sqlite3", () => openSqlite("", { clock: systemClock, random: systemRandom, logger }));
