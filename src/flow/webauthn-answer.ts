/** What a browser answers with, verified. WebAuthn Level 3 §7.1, §7.2. Whoever calls has taken the challenge: it is good once. */
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from "@simplewebauthn/server";
import { z } from "zod";
import { acr } from "../oauth/acr.ts";
import type { UserIdentity, UserKey, WebauthnCredential } from "../storage/records.ts";
import type { FlowDeps } from "./contract.ts";
import type { FactorProof, WebauthnFactor } from "./factor-contract.ts";
import { isHandleOf } from "./user-handle.ts";
import { algorithms, keysOf, relyingParty, verificationOf } from "./webauthn-options.ts";

type Deps = Pick<FlowDeps, "storage" | "policy" | "clock" | "recoveryKey">;

const library = () => import("@simplewebauthn/server");

const credentialText = z.string().max(8_192);
const registrationShape = z.object({
  id: credentialText,
  rawId: credentialText,
  type: z.literal("public-key"),
  response: z.object({
    attestationObject: z.string().max(64_000),
    clientDataJSON: credentialText,
    transports: z.array(z.string().max(32)).max(8).optional(),
  }),
});
const assertionShape = z.object({
  id: credentialText,
  rawId: credentialText,
  type: z.literal("public-key"),
  response: z.object({
    authenticatorData: credentialText,
    clientDataJSON: credentialText,
    signature: credentialText,
    userHandle: credentialText.nullish(),
  }),
});

/** What came of an answer; a refusal's reason is for the log. */
export type Finished =
  | { readonly ok: true; readonly proof: FactorProof }
  | { readonly ok: false; readonly reason: string };

export const refused = (reason: string) => ({ ok: false, reason }) as const;

/** Whom an assertion claims to be of; undefined: it names nobody, as keys that are no passkeys do. */
export function handleOf(answer: unknown): Uint8Array | undefined {
  const handle = assertionShape.safeParse(answer).data?.response.userHandle ?? "";
  return handle === "" ? undefined : Buffer.from(handle, "base64url");
}

interface Registration {
  readonly user: UserKey;
  readonly factor: WebauthnFactor;
  readonly challenge: string;
  readonly answer: unknown;
  /** What the person calls it. */
  readonly name: string;
}

/**
 * A new key. WebAuthn §7.1. `mayAdd` is asked of the person as they are when it is kept: what was true when the ceremony
 * began may not be by now.
 */
export async function addKey(
  { user, factor, challenge, answer, name }: Registration,
  mayAdd: (current: UserIdentity) => boolean,
  deps: Deps,
): Promise<Finished> {
  const parsed = registrationShape.safeParse(answer);
  if (!parsed.success) return refused("not a credential");
  const { verifyRegistrationResponse } = await library();
  const { id, origins } = relyingParty(factor, deps);
  const verified = await verifyRegistrationResponse({
    response: { ...parsed.data, clientExtensionResults: {} } as RegistrationResponseJSON,
    expectedChallenge: challenge,
    expectedOrigin: origins,
    expectedRPID: id,
    requireUserVerification: verificationOf(factor) === "required",
    supportedAlgorithmIDs: algorithms,
  }).catch((error: unknown) => reasonOf(error));
  if (typeof verified === "string") return refused(verified);
  if (!verified.verified) return refused("the attestation does not hold");
  const { credential, fmt, aaguid, credentialDeviceType, credentialBackedUp } = verified.registrationInfo;
  const kept: WebauthnCredential = {
    credentialId: new Uint8Array(Buffer.from(credential.id, "base64url")),
    publicKey: credential.publicKey,
    attestationType: fmt,
    aaguid: new Uint8Array(Buffer.from(aaguid.replaceAll("-", ""), "hex")),
    signCount: credential.counter,
    cloneWarning: false,
    transport: parsed.data.response.transports ?? [],
    backupEligible: credentialDeviceType === "multiDevice",
    backupState: credentialBackedUp,
    displayName: name,
    createdAt: deps.clock.now(),
  };
  let isKept = false;
  await deps.storage.userIdentities.update(user, (current) => {
    const keys = keysOf(current, factor);
    isKept = mayAdd(current) && !keys.some((key) => isSameKey(key, kept.credentialId));
    if (!isKept) return current;
    return { ...current, webauthnCredentials: { ...current.webauthnCredentials, [factor.id]: [...keys, kept] } };
  });
  return isKept ? { ok: true, proof: proofOf(factor, kept) } : refused("the person has a key by now");
}

const isSameKey = ({ credentialId }: WebauthnCredential, id: Uint8Array): boolean =>
  Buffer.compare(credentialId, id) === 0;

interface Assertion {
  readonly identity: UserIdentity;
  readonly factor: WebauthnFactor;
  readonly challenge: string;
  readonly answer: unknown;
}

/** A key that the person has. WebAuthn §7.2. */
export async function proveKey({ identity, factor, challenge, answer }: Assertion, deps: Deps): Promise<Finished> {
  const parsed = assertionShape.safeParse(answer);
  if (!parsed.success) return refused("not an assertion");
  const credentialId = Buffer.from(parsed.data.id, "base64url");
  const credential = keysOf(identity, factor).find((key) => isSameKey(key, credentialId));
  if (credential === undefined) return refused("not a key of this person");
  // A key that says whose it is must say this person. WebAuthn §7.2 step 6.
  const handle = handleOf(answer);
  if (handle !== undefined && !isHandleOf(handle, identity, deps.recoveryKey)) return refused("it names somebody else");
  const { verifyAuthenticationResponse } = await library();
  const { id, origins } = relyingParty(factor, deps);
  const verified = await verifyAuthenticationResponse({
    response: { ...parsed.data, clientExtensionResults: {} } as unknown as AuthenticationResponseJSON,
    expectedChallenge: challenge,
    expectedOrigin: origins,
    expectedRPID: id,
    // Its counter is compared below, where two answers at once cannot both pass.
    credential: { id: parsed.data.id, publicKey: new Uint8Array(credential.publicKey), counter: 0 },
    requireUserVerification: verificationOf(factor) === "required",
  }).catch((error: unknown) => reasonOf(error));
  if (typeof verified === "string") return refused(verified);
  if (!verified.verified) return refused("the signature does not hold");
  const { newCounter, credentialBackedUp } = verified.authenticationInfo;
  const isSingle = await countUse(identity, factor, credential, { newCounter, credentialBackedUp }, deps);
  return isSingle
    ? { ok: true, proof: proofOf(factor, credential) }
    : refused("the key's counter went back: a copy of it may be in use");
}

/** False: the key is gone by now; or its counter did not rise, so it was copied or its answer is a copy. WebAuthn §6.1.1. */
async function countUse(
  user: UserKey,
  factor: WebauthnFactor,
  { credentialId }: WebauthnCredential,
  used: { readonly newCounter: number; readonly credentialBackedUp: boolean },
  { storage, clock }: Deps,
): Promise<boolean> {
  let isSingle = false;
  await storage.userIdentities.update({ userId: user.userId, connectorId: user.connectorId }, (current) => {
    isSingle = false;
    const known = keysOf(current, factor);
    if (!known.some((key) => isSameKey(key, credentialId))) return current;
    const keys = known.map((key) => {
      if (!isSameKey(key, credentialId)) return key;
      // A device that does not count says 0 for ever.
      isSingle = (used.newCounter === 0 && key.signCount === 0) || used.newCounter > key.signCount;
      return isSingle
        ? { ...key, signCount: used.newCounter, backupState: used.credentialBackedUp, lastUsed: clock.now() }
        : { ...key, cloneWarning: true };
    });
    return { ...current, webauthnCredentials: { ...current.webauthnCredentials, [factor.id]: keys } };
  });
  return isSingle;
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** RFC 8176: a key that never leaves its device, or one that is copied between a person's devices. */
const proofOf = ({ id }: WebauthnFactor, { backupEligible }: WebauthnCredential): FactorProof => ({
  factor: id,
  amr: [backupEligible ? "swk" : "hwk"],
  contexts: [acr.phishingResistant, acr.multiFactor],
});
