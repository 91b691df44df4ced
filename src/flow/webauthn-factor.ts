/** Keys in a login that waits in storage: its challenge waits there, too. Dex's `/mfa/webauthn`. */
import { z } from "zod";
import type { AuthRequest, UserIdentity } from "../storage/records.ts";
import type { FlowDeps } from "./contract.ts";
import type { WebauthnFactor } from "./factor-contract.ts";
import { addKey, type Finished, proveKey, refused } from "./webauthn-answer.ts";
import { creationOptions, keysOf, requestOptions, timeoutOf } from "./webauthn-options.ts";

type Deps = Pick<FlowDeps, "storage" | "recoveryKey" | "policy" | "clock" | "random">;

export type Ceremony = "register" | "login";

const stateShape = z.object({
  ceremony: z.enum(["register", "login"]).optional(),
  challenge: z.string().min(16),
  expires: z.union([z.number(), z.string()]).optional(),
});

/** Begins a ceremony: what the browser is told. Its challenge waits with the login, for one answer. */
export async function beginCeremony(
  ceremony: Ceremony,
  record: AuthRequest,
  identity: UserIdentity,
  factor: WebauthnFactor,
  deps: Deps,
): Promise<object> {
  const challenge = deps.random.bytes(32);
  const options =
    ceremony === "register"
      ? creationOptions(identity, factor, challenge, deps)
      : requestOptions(keysOf(identity, factor), factor, challenge, deps);
  const state = {
    ceremony,
    challenge: Buffer.from(challenge).toString("base64url"),
    expires: deps.clock.now() + timeoutOf(factor),
  };
  const webauthnSessionData = new Uint8Array(Buffer.from(JSON.stringify(state)));
  await deps.storage.authRequests.update(record.id, (current) => ({ ...current, webauthnSessionData }));
  return { publicKey: options };
}

/** Takes the challenge of a ceremony: of two answers one finds it. Undefined: none was begun, or too long ago. */
async function takeChallenge(ceremony: Ceremony, { id }: AuthRequest, deps: Deps): Promise<string | undefined> {
  let taken: Uint8Array | undefined;
  await deps.storage.authRequests.update(id, (current) => {
    const { webauthnSessionData, ...rest } = current;
    taken = webauthnSessionData;
    return webauthnSessionData === undefined ? current : rest;
  });
  if (taken === undefined || taken.byteLength === 0) return undefined;
  const state = stateShape.safeParse(readJson(Buffer.from(taken).toString("utf8")));
  if (!state.success) return undefined;
  const { challenge, expires = 0, ceremony: begun } = state.data;
  // compat(dex): what Dex began names no ceremony and tells its end as text, or not at all: then the login's own counts.
  if (begun === undefined) return ceremony === "login" ? challenge : undefined;
  return begun === ceremony && typeof expires === "number" && deps.clock.now() <= expires ? challenge : undefined;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A new key of somebody who has none for this factor. */
export async function finishRegistration(
  record: AuthRequest,
  factor: WebauthnFactor,
  answer: unknown,
  deps: Deps,
): Promise<Finished> {
  const challenge = await takeChallenge("register", record, deps);
  if (challenge === undefined) return refused("no ceremony waits for this");
  const user = { userId: record.claims.userId, connectorId: record.connectorId };
  // The first key is free to whoever knows the password; a second would be a way past the first.
  const isFirst = (current: UserIdentity): boolean => keysOf(current, factor).length === 0;
  return addKey({ user, factor, challenge, answer, name: firstName }, isFirst, deps);
}

/** compat(dex): what it calls every key. */
const firstName = "Security Key";

/** A key that the person has. */
export async function finishAssertion(
  record: AuthRequest,
  identity: UserIdentity,
  factor: WebauthnFactor,
  answer: unknown,
  deps: Deps,
): Promise<Finished> {
  const challenge = await takeChallenge("login", record, deps);
  return challenge === undefined
    ? refused("no ceremony waits for this")
    : proveKey({ identity, factor, challenge, answer }, deps);
}
