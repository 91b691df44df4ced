/**
 * The departures from Dex, by what they concern: what `dex doctor` prints. The page
 * docs/reference/differences-from-dex.md is the source; `make docs` makes `difference-rows.json` of it.
 */
import rows from "./difference-rows.json" with { type: "json" };
import { parseTouch, type Touch } from "./touch.ts";

export interface Difference {
  readonly what: string;
  readonly why: string;
  readonly class: string;
  /** What brings Dex's behaviour back; empty: nothing does. */
  readonly switch: string;
  /** Settings that it concerns; "everybody", or "all": everybody as well, and few will notice. */
  readonly concerns: "everybody" | "all" | readonly Touch[];
}

export const differences: readonly Difference[] = rows.map(({ concerns, ...row }) => ({
  ...row,
  concerns:
    concerns === "everybody"
      ? concerns
      : concerns === ""
        ? "all"
        : (concerns.match(/(?<=`)[^` ][^`]*(?=`)/g) ?? []).map(parseTouch),
}));
