import type { UserIdentity, WebauthnCredential } from "../storage/records.ts";
import type * as api from "./api-messages.ts";
import type { AdminDeps, Methods } from "./contract.ts";
import { demand, demandPeopleFlag, doing, Refusal } from "./refusal.ts";
import { seconds } from "./seconds.ts";

/** Second factors of people. Seeds and public keys never leave. */
export const factorMethods: Pick<
  Methods<api.DexMethods>,
  "ResetMFA" | "ListMFADevices" | "DeleteWebAuthnCredential" | "DeleteMFASecret"
> = {
  async ResetMFA(person, deps) {
    demandPerson(person, deps);
    const changed = await doing(
      "reset MFA",
      deps.storage.userIdentities.update(keyOf(person), (known) => ({
        ...known,
        mfaSecrets: {},
        webauthnCredentials: {},
      })),
    );
    return { not_found: changed === undefined };
  },

  async ListMFADevices(person, deps) {
    demandPerson(person, deps);
    const identity = await doing("list MFA devices", deps.storage.userIdentities.get(keyOf(person)));
    if (identity === undefined) throw new Refusal("not found");
    return { devices: devicesOf(identity) };
  },

  async DeleteWebAuthnCredential(request, deps) {
    demandPerson(request, deps);
    demand(request.credential_id, "no credential_id supplied");
    const isFound = await removing(request, deps, "delete WebAuthn credential", (known) =>
      withoutCredential(known, request.credential_id),
    );
    return { not_found: !isFound };
  },

  async DeleteMFASecret(request, deps) {
    demandPerson(request, deps);
    demand(request.authenticator_id, "no authenticator_id supplied");
    const isFound = await removing(request, deps, "delete MFA secret", (known) =>
      withoutSecret(known, request.authenticator_id),
    );
    return { not_found: !isFound };
  },
};

/** How the wire names a person. */
export interface PersonReq {
  readonly user_id: string;
  readonly connector_id: string;
}

/** The checks that every question about a person begins with. */
export function demandPerson(person: PersonReq, deps: AdminDeps): void {
  demandPeopleFlag(deps);
  demand(person.user_id, "no user_id supplied");
  demand(person.connector_id, "no connector_id supplied");
}

export const keyOf = ({ user_id: userId, connector_id: connectorId }: PersonReq) => ({ userId, connectorId });

/** Changes a person by `change`, which returns its argument where there is nothing to remove. Resolves to whether there was. */
async function removing(
  person: PersonReq,
  { storage }: AdminDeps,
  what: string,
  change: (known: UserIdentity) => UserIdentity,
): Promise<boolean> {
  let isFound = false;
  await doing(
    what,
    storage.userIdentities.update(keyOf(person), (known) => {
      const changed = change(known);
      isFound = changed !== known;
      return changed;
    }),
  );
  return isFound;
}

/** One credential, and its authenticator with the last. */
function withoutCredential(known: UserIdentity, id: Uint8Array): UserIdentity {
  for (const [authenticator, credentials] of Object.entries(known.webauthnCredentials)) {
    const index = credentials.findIndex(({ credentialId }) => Buffer.compare(credentialId, id) === 0);
    if (index < 0) continue;
    const { [authenticator]: _, ...others } = known.webauthnCredentials;
    const left = credentials.toSpliced(index, 1);
    return { ...known, webauthnCredentials: left.length === 0 ? others : { ...others, [authenticator]: left } };
  }
  return known;
}

/** compat(dex): an authenticator without a secret is not found here, whatever credentials it has. */
function withoutSecret(known: UserIdentity, authenticator: string): UserIdentity {
  if (!Object.hasOwn(known.mfaSecrets, authenticator)) return known;
  const { [authenticator]: _secret, ...mfaSecrets } = known.mfaSecrets;
  const { [authenticator]: _credentials, ...webauthnCredentials } = known.webauthnCredentials;
  return { ...known, mfaSecrets, webauthnCredentials };
}

/** One entry for each authenticator that the person has anything of. */
export function devicesOf({ mfaSecrets, webauthnCredentials }: UserIdentity): readonly api.MFADeviceInfo[] {
  const ids = new Set([...Object.keys(mfaSecrets), ...Object.keys(webauthnCredentials)]);
  return [...ids].toSorted().map((id) => {
    const secret = Object.hasOwn(mfaSecrets, id) ? mfaSecrets[id] : undefined;
    return {
      authenticator_id: id,
      mfa_secret:
        secret === undefined
          ? null
          : {
              authenticator_id: secret.authenticatorId,
              type: secret.type,
              confirmed: secret.confirmed,
              created_at: seconds(secret.createdAt),
            },
      webauthn_credentials: (Object.hasOwn(webauthnCredentials, id) ? (webauthnCredentials[id] ?? []) : []).map(
        shownCredential,
      ),
    };
  });
}

const shownCredential = (credential: WebauthnCredential): api.WebAuthnCredential => ({
  credential_id: Buffer.from(credential.credentialId),
  attestation_type: credential.attestationType,
  aaguid: Buffer.from(credential.aaguid),
  sign_count: credential.signCount,
  clone_warning: credential.cloneWarning,
  transport: credential.transport,
  backup_eligible: credential.backupEligible,
  backup_state: credential.backupState,
  display_name: credential.displayName,
  created_at: seconds(credential.createdAt),
});
