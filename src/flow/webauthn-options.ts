/** What a browser is told when a ceremony begins. WebAuthn Level 3 §5.4, §5.5. */
import type { UserIdentity, WebauthnCredential } from "../storage/records.ts";
import type { FlowDeps } from "./contract.ts";
import type { WebauthnFactor } from "./factor-contract.ts";
import { userHandle } from "./user-handle.ts";

type Deps = Pick<FlowDeps, "recoveryKey" | "policy">;

/** Milliseconds, where the operator names none; kept to by us as well. */
const usualTimeout = 300_000;
/** ES256, EdDSA, RS256 and their longer kin: what Dex asks for, without the curves and digests that no device makes. */
export const algorithms = [-7, -8, -257, -35, -36, -37, -38, -39, -258, -259];

export const timeoutOf = ({ timeout }: WebauthnFactor): number => timeout ?? usualTimeout;

/** Whom the key is for, and where it works. Empty settings are the issuer's own. compat(dex). */
export function relyingParty({ rpID, rpDisplayName, rpOrigins }: WebauthnFactor, { policy }: Pick<Deps, "policy">) {
  const issuer = new URL(policy.issuer);
  const id = rpID === "" ? issuer.hostname : rpID;
  return {
    id,
    name: rpDisplayName === "" ? id : rpDisplayName,
    origins: rpOrigins.length === 0 ? [issuer.origin] : [...rpOrigins],
  };
}

type Verification = "required" | "preferred" | "discouraged";

/** A key that stands for the password as well must know its person. */
export const verificationOf = ({ userVerification, firstFactor }: WebauthnFactor): Verification => {
  if (firstFactor) return "required";
  return userVerification === "" ? "preferred" : (userVerification as Verification);
};

/** A person's keys for this factor. */
export const keysOf = (
  { webauthnCredentials }: Pick<UserIdentity, "webauthnCredentials">,
  { id }: Pick<WebauthnFactor, "id">,
): readonly WebauthnCredential[] => webauthnCredentials[id] ?? [];

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");

const descriptors = (credentials: readonly WebauthnCredential[]) =>
  credentials.map(({ credentialId, transport }) => ({
    id: base64url(credentialId),
    type: "public-key",
    transports: transport,
  }));

// Said by hand: the library takes 200 ms to load, and a page that only asks must not wait for it.

/** For a new key of this person. `challenge`: at least 16 random bytes, for one answer. */
export function creationOptions(
  identity: UserIdentity,
  factor: WebauthnFactor,
  challenge: Uint8Array,
  deps: Deps,
): object {
  const { id, name } = relyingParty(factor, deps);
  const { claims } = identity;
  const attachment = factor.authenticatorAttachment;
  return {
    rp: { id, name },
    user: {
      id: base64url(userHandle(identity, deps.recoveryKey)),
      name: claims.email || claims.preferredUsername || claims.username,
      displayName: claims.preferredUsername || claims.username || claims.email,
    },
    challenge: base64url(challenge),
    pubKeyCredParams: algorithms.map((alg) => ({ type: "public-key", alg })),
    timeout: timeoutOf(factor),
    excludeCredentials: descriptors(keysOf(identity, factor)),
    authenticatorSelection: {
      residentKey: factor.firstFactor ? "required" : "preferred",
      // What Level 1 browsers read. WebAuthn §5.4.4.
      requireResidentKey: factor.firstFactor,
      userVerification: verificationOf(factor),
      ...(attachment === "" ? {} : { authenticatorAttachment: attachment }),
    },
    attestation: factor.attestationPreference || "indirect",
  };
}

/** For a key that somebody has: one of `keys`, or with none any passkey of ours. */
export const requestOptions = (
  keys: readonly WebauthnCredential[],
  factor: WebauthnFactor,
  challenge: Uint8Array,
  deps: Pick<Deps, "policy">,
): object => ({
  challenge: base64url(challenge),
  timeout: timeoutOf(factor),
  rpId: relyingParty(factor, deps).id,
  allowCredentials: descriptors(keys),
  userVerification: verificationOf(factor),
});
