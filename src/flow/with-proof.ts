import { acr } from "../oauth/acr.ts";
import type { AuthSessionExtra } from "../storage/records.ts";
import { multiFactor } from "../token/factor-chain.ts";
import type { FactorProof } from "./factor-contract.ts";

/** What is known of a login, and what was proved beside it: each thing once. */
export function withProof<Extra extends Pick<AuthSessionExtra, "amr" | "factors" | "contexts">>(
  extra: Extra,
  proof: FactorProof,
): Extra {
  const { amr = [], factors = [], contexts = [] } = extra;
  const known = [acr.phishingResistant, acr.multiFactor].filter((c) => [...contexts, ...proof.contexts].includes(c));
  return {
    ...extra,
    amr: [...new Set([...amr, ...proof.amr, multiFactor])],
    factors: [...new Set([...factors, proof.factor])],
    contexts: known,
  };
}
