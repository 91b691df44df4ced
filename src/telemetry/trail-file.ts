import { type Clock, type Logger, noObserver, type Observer } from "../kernel/ports.ts";
import { openLineFile } from "./line-file.ts";

export interface TrailFileOptions {
  readonly path: string;
  /** `logger.excludeFields`: what may not be in the log may not be here. */
  readonly excludeFields: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Two files of this size at the most: `path` and the one before it, `path.1`. */
const ring = 16 * 1024 * 1024;

/** Keeps every decision of the latest requests, one a line, for `dex explain`. docs/adr: trails. */
export function openTrailFile({ path, excludeFields, clock, logger }: TrailFileOptions): {
  readonly observer: Observer;
  flush(): Promise<void>;
} {
  const file = openLineFile({ path, logger, ring });
  const excluded = new Set(excludeFields);
  return {
    observer: {
      ...noObserver,
      decided({ about = {}, ...decision }, { traceId }) {
        const kept = Object.entries(about).filter(([name]) => !excluded.has(name));
        const time = new Date(clock.now()).toISOString();
        file.append(
          JSON.stringify({ time, msg: "decision", trace_id: traceId, ...decision, ...Object.fromEntries(kept) }),
        );
      },
    },
    flush: file.flush,
  };
}
