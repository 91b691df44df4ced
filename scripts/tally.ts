/**
 * Counts what node:test reports of one test file. A result with subtests is a container and speaks only for
 * itself: it counts when it failed by its own doing (a broken hook) or was skipped whole, never for its children.
 */
import type { TestEvent } from "node:test/reporters";

export interface Tally {
  readonly passed: number;
  readonly failures: readonly Failure[];
  readonly skips: readonly Skip[];
}

export interface Failure {
  readonly name: string;
  readonly where: string;
  readonly error: unknown;
}

export interface Skip {
  readonly name: string;
  /** Empty when the test gave none. */
  readonly reason: string;
}

export const nothing: Tally = { passed: 0, failures: [], skips: [] };

export const sum = (left: Tally, right: Tally): Tally => ({
  passed: left.passed + right.passed,
  failures: [...left.failures, ...right.failures],
  skips: [...left.skips, ...right.skips],
});

/** In CI a skip is a failure, unless its reason says that the test is optional. */
export const isForgiven = (skip: Skip): boolean => skip.reason.startsWith("optional:");

/** The line that ends a run; whoever watches reads this line and the exit code, nothing else. */
export function closingLine(tally: Tally): string {
  const skipped = tally.skips.length > 0 ? `, ${tally.skips.length} skipped` : "";
  return `${tally.passed} passed, ${tally.failures.length} failed${skipped}`;
}

type Result = Extract<TestEvent, { type: "test:pass" | "test:fail" }>;

/** The tally of `file`, from the events of a run of this file alone. */
export async function tallyOf(file: string, events: AsyncIterable<TestEvent>): Promise<Tally> {
  let tally = nothing;
  let hasFinished = false;
  let nestingBefore = -1;
  const names: string[] = [];
  for await (const event of events) {
    // Only a test process that reached its end writes a summary that names its file.
    if (event.type === "test:summary" && event.data.file !== undefined) hasFinished = true;
    if (event.type === "test:start") names[event.data.nesting] = event.data.name;
    if (event.type !== "test:pass" && event.type !== "test:fail") continue;
    // Children are reported just before their parent, one level deeper.
    const isContainer = event.data.details.type === "suite" || nestingBefore > event.data.nesting;
    nestingBefore = event.data.nesting;
    // A file without its own tests is reported as one test that carries the file's name.
    if (event.type === "test:pass" && event.data.name === file) continue;
    const name = [...names.slice(0, event.data.nesting), event.data.name].join(" > ");
    tally = sum(tally, verdict(event, name, isContainer));
  }
  if (hasFinished || tally.failures.length > 0) return tally;
  const error = new Error("the file ended without a result: it has no tests, or something called process.exit()");
  return sum(tally, { ...nothing, failures: [{ name: file, where: file, error }] });
}

function verdict(event: Result, name: string, isContainer: boolean): Tally {
  const { skip, todo, file, line } = event.data;
  if (skip !== undefined || todo !== undefined) {
    const reason = typeof skip === "string" ? skip : todo === undefined ? "" : "still to be written";
    return { ...nothing, skips: [{ name, reason }] };
  }
  if (event.type === "test:pass") return isContainer ? nothing : { ...nothing, passed: 1 };
  const { error } = event.data.details;
  if (isContainer && "failureType" in error && error.failureType === "subtestsFailed") return nothing;
  const where = line === undefined ? (file ?? "") : `${file ?? ""}:${line}`;
  return { ...nothing, failures: [{ name, where, error: error.cause ?? error }] };
}
