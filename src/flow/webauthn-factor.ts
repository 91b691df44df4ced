/** Keys that sign a challenge for our pages alone. WebAuthn Level 3 §7.1, §7.2. */
import type {
  AuthenticationResponseJSON,
  AuthenticatorTransport,
  RegistrationResponseJSON,
} from "@simplewebauthn/server";
import { z } from "zod";
import { keyedHash } from "../kernel/derive.ts";
import { acr } from "../oauth/acr.ts";
import type { AuthRequest, UserIdentity, UserKey, WebauthnCredential } from "../storage/records.ts";
import type { FlowDeps } from "./contract.ts";
import type { FactorProof, WebauthnFactor } from "./factor-contract.ts";

type Deps = Pick<FlowDeps, "storage" | "recoveryKey" | "policy" | "clock" | "random">;

export type Ceremony = "register" | "login";

const library = () => import("@simplewebauthn/server");

/** Milliseconds, where the operator names none; kept to by us as well. */
const usualTimeout = 300_000;
/** ES256, EdDSA, RS256 and their longer kin: what Dex asks for, without the curves and digests that no device makes. */
const algorithms = [-7, -8, -257, -35, -36, -37, -38, -39, -258, -259];

/** Whom the key is for, and where it works. Empty settings are the issuer's own. compat(dex). */
function relyingParty({ rpID, rpDisplayName, rpOrigins }: WebauthnFactor, { policy }: Deps) {
  const issuer = new URL(policy.issuer);
  const id = rpID === "" ? issuer.hostname : rpID;
  return {
    id,
    name: rpDisplayName === "" ? id : rpDisplayName,
    origins: rpOrigins.length === 0 ? [issuer.origin] : [...rpOrigins],
  };
}

/** The person as the device keeps them: 32 bytes that say nothing. WebAuthn §14.6.1; Dex's say who it is. */
const userHandle = ({ userId, connectorId }: UserKey, { recoveryKey }: Deps): Uint8Array<ArrayBuffer> =>
  new Uint8Array(keyedHash(recoveryKey, "webauthn-user", connectorId, userId));

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");

const known = (identity: UserIdentity, factor: WebauthnFactor): readonly WebauthnCredential[] =>
  identity.webauthnCredentials[factor.id] ?? [];

const descriptors = (credentials: readonly WebauthnCredential[]) =>
  credentials.map(({ credentialId, transport }) => ({
    id: base64url(credentialId),
    transports: transport as AuthenticatorTransport[],
  }));

type Verification = "required" | "preferred" | "discouraged";
const verificationOf = ({ userVerification }: WebauthnFactor): Verification =>
  userVerification === "" ? "preferred" : (userVerification as Verification);

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
  const timeout = factor.timeout ?? usualTimeout;
  const challenge = new Uint8Array(deps.random.bytes(32));
  const options =
    ceremony === "register"
      ? await creationOptions(identity, factor, challenge, timeout, deps)
      : await requestOptions(identity, factor, challenge, timeout, deps);
  const state = { ceremony, challenge: base64url(challenge), expires: deps.clock.now() + timeout };
  const webauthnSessionData = new Uint8Array(Buffer.from(JSON.stringify(state)));
  await deps.storage.authRequests.update(record.id, (current) => ({ ...current, webauthnSessionData }));
  return { publicKey: options };
}

async function creationOptions(
  identity: UserIdentity,
  factor: WebauthnFactor,
  challenge: Uint8Array<ArrayBuffer>,
  timeout: number,
  deps: Deps,
): Promise<object> {
  const { generateRegistrationOptions } = await library();
  const { id, name } = relyingParty(factor, deps);
  const { claims } = identity;
  const attachment = factor.authenticatorAttachment;
  const options = await generateRegistrationOptions({
    rpName: name,
    rpID: id,
    userID: userHandle(identity, deps),
    userName: claims.email || claims.preferredUsername || claims.username,
    userDisplayName: claims.preferredUsername || claims.username || claims.email,
    challenge,
    timeout,
    supportedAlgorithmIDs: algorithms,
    excludeCredentials: descriptors(known(identity, factor)),
    authenticatorSelection: {
      residentKey: "preferred",
      userVerification: verificationOf(factor),
      ...(attachment === "platform" || attachment === "cross-platform" ? { authenticatorAttachment: attachment } : {}),
    },
  });
  return { ...options, attestation: factor.attestationPreference || "indirect" };
}

async function requestOptions(
  identity: UserIdentity,
  factor: WebauthnFactor,
  challenge: Uint8Array<ArrayBuffer>,
  timeout: number,
  deps: Deps,
): Promise<object> {
  const { generateAuthenticationOptions } = await library();
  return generateAuthenticationOptions({
    rpID: relyingParty(factor, deps).id,
    challenge,
    timeout,
    allowCredentials: descriptors(known(identity, factor)),
    userVerification: verificationOf(factor),
  });
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

const refused = (reason: string): Finished => ({ ok: false, reason });

/** A new key of somebody who has none for this factor. WebAuthn §7.1. */
export async function finishRegistration(
  record: AuthRequest,
  factor: WebauthnFactor,
  answer: unknown,
  deps: Deps,
): Promise<Finished> {
  const challenge = await takeChallenge("register", record, deps);
  if (challenge === undefined) return refused("no ceremony waits for this");
  const parsed = registrationShape.safeParse(answer);
  if (!parsed.success) return refused("not a credential");
  const { verifyRegistrationResponse } = await library();
  const { id, origins } = relyingParty(factor, deps);
  const verified = await verifyRegistrationResponse({
    response: { ...parsed.data, clientExtensionResults: {} } as RegistrationResponseJSON,
    expectedChallenge: challenge,
    expectedOrigin: origins,
    expectedRPID: id,
    requireUserVerification: factor.userVerification === "required",
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
    displayName: "Security Key",
    createdAt: deps.clock.now(),
  };
  const user = { userId: record.claims.userId, connectorId: record.connectorId };
  let isKept = false;
  await deps.storage.userIdentities.update(user, (current) => {
    // The first key is free to whoever knows the password; a second would be a way past the first.
    isKept = known(current, factor).length === 0;
    if (!isKept) return current;
    return { ...current, webauthnCredentials: { ...current.webauthnCredentials, [factor.id]: [kept] } };
  });
  return isKept ? { ok: true, proof: proofOf(factor, kept) } : refused("the person has a key by now");
}

/** A key that the person has. WebAuthn §7.2. */
export async function finishAssertion(
  record: AuthRequest,
  identity: UserIdentity,
  factor: WebauthnFactor,
  answer: unknown,
  deps: Deps,
): Promise<Finished> {
  const challenge = await takeChallenge("login", record, deps);
  if (challenge === undefined) return refused("no ceremony waits for this");
  const parsed = assertionShape.safeParse(answer);
  if (!parsed.success) return refused("not an assertion");
  const credential = known(identity, factor).find(({ credentialId }) => base64url(credentialId) === parsed.data.id);
  if (credential === undefined) return refused("not a key of this person");
  const { verifyAuthenticationResponse } = await library();
  const { id, origins } = relyingParty(factor, deps);
  const verified = await verifyAuthenticationResponse({
    response: { ...parsed.data, clientExtensionResults: {} } as unknown as AuthenticationResponseJSON,
    expectedChallenge: challenge,
    expectedOrigin: origins,
    expectedRPID: id,
    // Its counter is compared below, where two answers at once cannot both pass.
    credential: { id: parsed.data.id, publicKey: new Uint8Array(credential.publicKey), counter: 0 },
    requireUserVerification: factor.userVerification === "required",
  }).catch((error: unknown) => reasonOf(error));
  if (typeof verified === "string") return refused(verified);
  if (!verified.verified) return refused("the signature does not hold");
  const { newCounter, credentialBackedUp } = verified.authenticationInfo;
  const isSingle = await countUse(record, factor, credential, { newCounter, credentialBackedUp }, deps);
  return isSingle
    ? { ok: true, proof: proofOf(factor, credential) }
    : refused("the key's counter went back: a copy of it may be in use");
}

/** False: the counter did not rise, so the key was copied or its answer is a copy. WebAuthn §6.1.1. */
async function countUse(
  { claims, connectorId }: AuthRequest,
  factor: WebauthnFactor,
  { credentialId }: WebauthnCredential,
  used: { readonly newCounter: number; readonly credentialBackedUp: boolean },
  deps: Deps,
): Promise<boolean> {
  let isSingle = false;
  await deps.storage.userIdentities.update({ userId: claims.userId, connectorId }, (current) => {
    isSingle = false;
    const credentials = known(current, factor).map((candidate) => {
      if (base64url(candidate.credentialId) !== base64url(credentialId)) return candidate;
      // A device that does not count says 0 for ever.
      isSingle = (used.newCounter === 0 && candidate.signCount === 0) || used.newCounter > candidate.signCount;
      return isSingle
        ? { ...candidate, signCount: used.newCounter, backupState: used.credentialBackedUp }
        : { ...candidate, cloneWarning: true };
    });
    return { ...current, webauthnCredentials: { ...current.webauthnCredentials, [factor.id]: credentials } };
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
