import type { Decision, Fields, Logger, Trail } from "./ports.ts";

/** A hostile request must not grow our memory by asking many questions. */
const mostDecisions = 200;
/** Nor fill a disk with what it calls itself: characters of one text, and members of one list. */
const longestText = 512;
const longestList = 64;

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

  note(said: Decision): void {
    const decision = cut(said);
    if (this.#decisions.length < mostDecisions) this.#decisions.push(decision);
    this.#tell(decision);
    if (decision.outcome === "fail") this.#logger().info("decision", fieldsOf(decision));
    else if (this.#isVerbose) this.#logger().debug("decision", fieldsOf(decision));
  }

  get decisions(): readonly Decision[] {
    return this.#decisions;
  }
}

const isLong = (text: string): boolean => text.length > longestText;

const cutText = (text: string): string => (isLong(text) ? `${text.slice(0, longestText)}…` : text);

function cutValue(value: Fields[string]): Fields[string] {
  if (typeof value === "string") return cutText(value);
  return isList(value) ? value.slice(0, longestList).map(cutText) : value;
}

const isList = (value: Fields[string]): value is readonly string[] => Array.isArray(value);

/** Whoever asks may call themselves whatever they like, a megabyte long. */
function cut(decision: Decision): Decision {
  const { because, about } = decision;
  const told = isLong(because) ? { ...decision, because: cutText(because) } : decision;
  if (about === undefined) return told;
  const isWhole = Object.values(about).every((value) => (typeof value === "string" ? !isLong(value) : !isList(value)));
  if (isWhole) return told;
  return { ...told, about: Object.fromEntries(Object.entries(about).map(([name, value]) => [name, cutValue(value)])) };
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
