/**
 * Every signer type by the name that `signer.type` gives it. The configuration's values are checked in `config/`,
 * where all mistakes are collected; what arrives here is typed. Only `config` and `server` look in.
 */
import type { Millis } from "../kernel/ports.ts";
import type { Signer } from "./contract.ts";
import type { LocalAlgorithm } from "./local/generate-key.ts";
import { type LocalSignerOptions, openLocalSigner } from "./local/local-signer.ts";
import type { VaultSettings } from "./vault/settings.ts";
import { openVaultSigner, type VaultSignerOptions } from "./vault/vault-signer.ts";

/** The checked settings of each type. */
export interface SignerSettings {
  local: { readonly rotationPeriod: Millis; readonly algorithm: LocalAlgorithm };
  vault: VaultSettings;
}

export type SignerTypeName = keyof SignerSettings;

/** What every signer is given, and all of it. A type takes what it needs. */
export type SignerDeps = Pick<LocalSignerOptions, "keys" | "clock" | "random" | "logger" | "tokenLifetime"> &
  Pick<VaultSignerOptions, "openFetch" | "closing">;

/** Does not wait for the keeper of keys: a signer without keys says so when it is asked to sign. @throws {Error} A file cannot be used. */
type Open<Settings> = (settings: Settings, deps: SignerDeps) => Promise<Signer>;

export const signers: { readonly [Name in SignerTypeName]: Open<SignerSettings[Name]> } = {
  local: async (settings, deps) => openLocalSigner({ ...deps, ...settings }),
  vault: (settings, deps) => openVaultSigner({ ...deps, ...settings }),
};
