import type { HealthReport } from "../kernel/health.ts";

/** What `/healthz` of the telemetry address answers: one entry per check. */
export interface HealthAnswer {
  readonly status: 200 | 503;
  readonly body: string;
}

/** compat(dex): go-sundheit's report; tabs, a line feed at the end, null for what never happened. `isShort`: PASS or FAIL alone. */
export function healthAnswer(checks: Readonly<Record<string, HealthReport>>, isShort: boolean): HealthAnswer {
  const entries = Object.entries(checks);
  const isHealthy = entries.every(([, { error }]) => error === undefined);
  const told = entries.map(([name, report]) => [
    name,
    isShort ? (report.error === undefined ? "PASS" : "FAIL") : entryOf(report),
  ]);
  return { status: isHealthy ? 200 : 503, body: `${JSON.stringify(Object.fromEntries(told), null, "\t")}\n` };
}

const entryOf = ({ error, at, took, contiguousFailures, firstFailureAt }: HealthReport): object => ({
  ...(error === undefined ? {} : { error: { message: error } }),
  timestamp: new Date(at).toISOString(),
  ...(took > 0 ? { duration: Math.round(took * 1e6) } : {}),
  contiguousFailures,
  timeOfFirstFailure: firstFailureAt === undefined ? null : new Date(firstFailureAt).toISOString(),
});
