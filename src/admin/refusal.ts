import { ReadOnlyError } from "../storage/contract.ts";
import type { AdminDeps } from "./contract.ts";

/** The caller asked for something that cannot be. The text is sent as it is. compat(dex): with status UNKNOWN. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}

/** Refuses with `message` where `value` is missing: nothing, no characters, no bytes. */
export function demand<T>(value: T | null | undefined, message: string): asserts value is T {
  if (value === null || value === undefined || value === "") throw new Refusal(message);
  if (value instanceof Uint8Array && value.length === 0) throw new Refusal(message);
}

/** compat(dex): the flags come before any look at the request, and are named as here. */
export function demandConnectorFlag({ mayChangeConnectors }: AdminDeps): void {
  if (!mayChangeConnectors) throw new Refusal("api_connectors_crud feature flag is not enabled");
}

export function demandPeopleFlag({ mayChangePeople }: AdminDeps): void {
  if (!mayChangePeople) throw new Refusal("api_sessions_identities_crud feature flag is not enabled");
}

/** `work`, whose failures say what was being done: "create client: …". */
export async function doing<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof ReadOnlyError) throw new Refusal(`${what}: ${error.message}`, { cause: error });
    throw new StepError(what, error);
  }
}

/** A step failed for a reason that is not the caller's. */
export class StepError extends Error {
  override readonly name = "StepError";
  readonly what: string;

  constructor(what: string, cause: unknown) {
    super(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.what = what;
  }
}
