import { UnavailableError } from "../../kernel/errors.ts";
import type { Clock, Logger, Random } from "../../kernel/ports.ts";
import type { Secret } from "../../kernel/secret.ts";
import { AlreadyExistsError, type Collection } from "../../storage/contract.ts";
import type { Keys, StoredJwk } from "../../storage/records.ts";
import { generateKey, type LocalAlgorithm } from "./generate-key.ts";
import { advance, dueStep, needsKey, noKeys, type Schedule, type Step } from "./rotation-plan.ts";

/** What keeping the stored keys in order takes. */
export interface KeepDeps {
  readonly keys: Collection<"keys", Keys>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Of keys yet to be made. */
  readonly algorithm: LocalAlgorithm;
  readonly schedule: Schedule;
  /** Throws if the record is damaged. */
  check(keys: Keys): void;
}

/**
 * Reads the stored keys, takes the step that is due, and resolves to what is stored then. Any number of replicas
 * may do so at once: keys are made outside the compare-and-swap, the step is decided inside it, one wins.
 * @throws {Error} The record is damaged; it was not touched.
 */
export async function keepKeys(deps: KeepDeps): Promise<Keys> {
  // A second round only when the record came or went between our read and our write.
  for (let round = 0; round < 3; round++) {
    const stored = await deps.keys.get("keys");
    // Before anything is planned, so that a damaged record is reported and not written over.
    if (stored !== undefined) deps.check(stored);
    const step = dueStep(stored ?? noKeys, deps.clock.now(), deps.schedule);
    if (step === undefined && stored !== undefined) return stored;
    const written = await takeStep(step ?? "install", stored, deps);
    if (written !== undefined) return written;
  }
  throw new UnavailableError("signer", "the stored keys come and go faster than they can be read");
}

async function takeStep(step: Step, stored: Keys | undefined, deps: KeepDeps): Promise<Keys | undefined> {
  const reason = step === "install" ? "missing signing key" : "expired";
  if (step === "install" || step === "promote") deps.logger.info("rotating signing keys", { reason });
  const fresh = needsKey(step) ? await generateKey(deps.algorithm, deps.random) : undefined;
  const { written, taken } = await write(stored, fresh, deps);
  if (written === undefined) return undefined;
  if (taken !== step)
    deps.logger.info("key rotation not needed", { err: "keys already rotated by another server instance" });
  if (taken !== undefined) logStep(taken, reason, written, deps);
  return written;
}

interface Written {
  /** Undefined: the record came or went meanwhile. */
  readonly written: Keys | undefined;
  /** The step that was ours; another replica may have left us a smaller one, or none. */
  readonly taken: Step | undefined;
}

async function write(stored: Keys | undefined, fresh: Secret<StoredJwk> | undefined, deps: KeepDeps): Promise<Written> {
  const now = deps.clock.now();
  if (stored === undefined) {
    const first = advance(noKeys, now, deps.schedule, fresh);
    try {
      await deps.keys.create(first);
      return { written: first, taken: "install" };
    } catch (error) {
      if (error instanceof AlreadyExistsError) return { written: undefined, taken: undefined };
      throw error;
    }
  }
  // A conflict calls `change` again: what the last call did is what was stored, or was not.
  let taken: Step | undefined;
  const written = await deps.keys.update("keys", (current) => {
    const after = advance(current, now, deps.schedule, fresh);
    taken = after === current ? undefined : dueStep(current, now, deps.schedule);
    return after;
  });
  return { written, taken };
}

function logStep(step: Step, reason: string, written: Keys, { logger }: KeepDeps): void {
  const kid = written.signingKey?.reveal().kid;
  const next_rotation = new Date(written.nextRotation);
  switch (step) {
    case "install":
    case "promote":
      logger.info("keys rotated", { reason, kid, next_rotation });
      return;
    case "publish":
      logger.info("next signing key published", { kid: written.extra?.next?.key.reveal().kid, next_rotation });
      return;
    case "prune":
      logger.debug("expired verification keys removed", { left: written.verificationKeys.length });
      return;
  }
}
