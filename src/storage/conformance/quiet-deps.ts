import { levels } from "../../kernel/log-level.ts";
import { createLogger } from "../../kernel/logger.ts";
import { systemClock, systemRandom } from "../../kernel/system.ts";
import type { StorageDeps } from "../contract.ts";

/** What a storage is given; its log goes to `write`, or nowhere. */
export const quietDeps = ({ write = () => {} }: { readonly write?: (line: string) => void } = {}): StorageDeps => ({
  clock: systemClock,
  random: systemRandom,
  logger: createLogger({ level: levels.debug, format: "text", excludeFields: [], write, clock: systemClock }),
});
