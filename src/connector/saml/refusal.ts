import { quoteGo } from "../../kernel/go-quote.ts";

/**
 * A message of the upstream that is not believed: which check it failed, why in an operator's words, and the rule.
 * The reason goes into the trail and the log, never to the person. It quotes names and times, no assertion.
 */
export class SamlRefusal extends Error {
  override readonly name = "SamlRefusal";
  readonly check: string;
  readonly because: string;
  readonly spec: string | undefined;

  constructor(check: string, because: string, spec?: string, options?: ErrorOptions) {
    super(`${check}: ${because}`, options);
    this.check = check;
    this.because = because;
    this.spec = spec;
  }
}

const longest = 200;

/** A value that the upstream chose, for a reason: quoted, without line breaks, and never long. */
export const quoted = (value: string | undefined): string =>
  value === undefined ? "nothing" : quoteGo(value.length > longest ? `${value.slice(0, longest)}…` : value);
