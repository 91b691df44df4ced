import type { FactorProof } from "../flow/factor-contract.ts";
import type { HttpAnswer, HttpRequest } from "../http/contract.ts";
import type { UserKey } from "../storage/records.ts";
import { knownDeviceCookie, originOf } from "./known-device.ts";
import type { Provider } from "./provider.ts";
import { withCookie } from "./with-cookie.ts";

export interface Proved {
  readonly proof: FactorProof;
  /** The answer, with which this browser becomes a known one. */
  andKnown(answer: HttpAnswer): HttpAnswer;
}

/** One try at a person's second factor, whichever it is: they share a count. @throws {TooManyAttemptsError} Not now. */
export async function tryFactor(
  request: HttpRequest,
  { userId, connectorId }: UserKey,
  provider: Provider,
  prove: () => Promise<FactorProof | undefined>,
): Promise<Proved | undefined> {
  const target = { kind: "factor", connectorId, userId } as const;
  const told = { logger: request.logger, trail: provider.trail(request) };
  const attempt = await provider.attempts.begin(target, originOf(request, target, provider), told);
  const proof = await prove().catch(async (error: unknown) => {
    await attempt.unmade();
    throw error;
  });
  if (proof === undefined) {
    attempt.wrong();
    return undefined;
  }
  await attempt.right();
  return { proof, andKnown: (answer) => withCookie(answer, knownDeviceCookie(target, provider)) };
}
