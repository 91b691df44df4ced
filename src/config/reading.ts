import { parseDuration } from "../kernel/duration.ts";
import { quoteGo } from "../kernel/go-quote.ts";
import type { Millis } from "../kernel/ports.ts";
import type { Aligner } from "./align.ts";
import { expandMapping } from "./expand-env.ts";
import type { Env, FeatureFlags } from "./feature-flags.ts";
import { type Findings, nowhere, type Stage } from "./mistake.ts";
import type { ConfigFile } from "./schema.ts";
import { emptyMapping, jsonKind, type Mapping } from "./tree.ts";

/** What every section's reader is given. */
export interface Reading {
  readonly file: ConfigFile;
  readonly findings: Findings;
  readonly aligner: Aligner;
  readonly flags: FeatureFlags;
  readonly env: Env;
}

/** The span in `text`; undefined when it is empty, or when it is none and was refused as `prefix` and Go's reason. */
export function readDuration(
  findings: Findings,
  path: string,
  text: string | undefined,
  prefix: string,
  stage: Stage = "setup",
): Millis | undefined {
  if (text === undefined || text === "") return undefined;
  try {
    return parseDuration(text);
  } catch (error) {
    findings.refuse(stage, path, `${prefix}${reasonOf(error)}`, {
      hint: "a number and a unit: 30s, 5m, 1h30m; there are no days",
    });
    return undefined;
  }
}

export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** `invalid config value "1day" for id token expiry: `, as Dex begins it. */
export const invalidValue = (text: string | undefined, what: string): string =>
  `invalid config value ${quoteGo(text ?? "")} for ${what}: `;

/** The `config` beside a `type`, its environment references replaced. Undefined: refused, or null. */
export function expandedBlock({ aligner, findings, flags, env }: Reading, path: string): Mapping | undefined {
  const tree = aligner.block(path);
  if (tree === undefined) return emptyMapping(nowhere);
  if (tree.kind === "map") return flags.DEX_EXPAND_ENV ? expandMapping(tree, env) : tree;
  if (tree.kind === "scalar" && tree.value === null) return emptyMapping(tree.at);
  const step = flags.DEX_EXPAND_ENV ? "unmarshal config for env expansion: " : "";
  findings.mistype(
    path,
    `${step}json: cannot unmarshal ${jsonKind(tree)} into Go value of type map[string]interface {}`,
  );
  return undefined;
}
