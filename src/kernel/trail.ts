import type { Decision, Fields, Logger, Trail } from "./ports.ts";

/** A hostile request must not grow our memory by asking many questions. */
const mostDecisions = 200;

/**
 * The decisions of one request, in order. A failed one is logged at info, the others at debug, all under the
 * request's trace id, which the error page shows: who has the id has the reason.
 */
export class RequestTrail implements Trail {
  readonly #decisions: Decision[] = [];
  readonly #logger: () => Logger;
  readonly #isVerbose: boolean;
  readonly #tell: (decision: Decision) => void;

  /** `logger` is asked for only when there is something to log: `isVerbose` says whether the log takes debug lines. */
  constructor(logger: () => Logger, isVerbose: boolean, tell: (decision: Decision) => void = () => {}) {
    this.#logger = logger;
    this.#isVerbose = isVerbose;
    this.#tell = tell;
  }

  note(decision: Decision): void {
    if (this.#decisions.length < mostDecisions) this.#decisions.push(decision);
    this.#tell(decision);
    if (decision.outcome === "fail") this.#logger().info("decision", fieldsOf(decision));
    else if (this.#isVerbose) this.#logger().debug("decision", fieldsOf(decision));
  }

  get decisions(): readonly Decision[] {
    return this.#decisions;
  }
}

/** What it was about stands beside the rest, where `logger.excludeFields` reaches it. */
const fieldsOf = ({ about, ...decision }: Decision): Fields => ({ ...decision, ...about });

/** The decisions as a person reads them: outcome, check, reason, rule, in columns. */
export function renderTrail(decisions: readonly Decision[]): string {
  const width = (pick: (decision: Decision) => string): number =>
    Math.max(0, ...decisions.map((each) => pick(each).length));
  const checks = width(({ check }) => check);
  const reasons = width(({ because }) => because);
  return decisions
    .map(({ outcome, check, because, spec }) =>
      `  ${outcome.padEnd(5)}  ${check.padEnd(checks)}  ${because.padEnd(reasons)}  ${spec ?? "policy"}`.trimEnd(),
    )
    .join("\n");
}
