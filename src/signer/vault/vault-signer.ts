/**
 * The vault signer: its key lies in the Transit engine of a HashiCorp Vault or an OpenBao and never leaves it. What
 * the key looks like is read in the background, once a second; requests are served from memory and only signatures
 * go to Vault. `version-plan.ts` says which version signs, `transit.ts` speaks with the engine, `vault-token.ts`
 * keeps us logged in, `sign-batches.ts` lets signatures travel together.
 */
import { type Millis, millis } from "../../kernel/ports.ts";
import type { Signer } from "../contract.ts";
import { watchKeys } from "../shared/watched-keys.ts";
import type { VaultSettings } from "./settings.ts";
import { type AskVault, openTransit } from "./transit.ts";
import { openVaultClient, VaultRefusal } from "./vault-client.ts";
import { openVaultFetch, type VaultFetchOptions } from "./vault-fetch.ts";
import { openVaultToken, type VaultToken } from "./vault-token.ts";
import { openVersionRing } from "./version-ring.ts";

export interface VaultSignerOptions extends VaultSettings, VaultFetchOptions {
  /** Of the longest-lived token that the key signs. */
  readonly tokenLifetime: Millis;
  /** How long clients may keep a copy of `/keys`. */
  readonly jwksCache?: Millis;
}

const second = 1_000;
const tenMinutes = millis(600 * second);
/** For replicas that see a version late, and for clocks that differ. */
const slack = millis(15 * second);
const day = 24 * 3_600 * second;

/**
 * Waits for no Vault: the first look at the key has begun, and whoever needs it before it ends waits for it.
 * @throws {Error} A file of its TLS settings cannot be used.
 */
export async function openVaultSigner(options: VaultSignerOptions): Promise<Signer> {
  const { clock, logger, tokenLifetime, jwksCache = tenMinutes } = options;
  const way = await openVaultFetch(options);
  const call = openVaultClient(options, way.fetch);
  const token = openVaultToken(options.login, { call, clock, logger });
  const transit = openTransit(askWith(token, call), options.mount, options.keyName);
  // compat(dex): a lifetime of 0 means the default of 24 h to whoever issues tokens.
  const schedule = { cache: jwksCache, slack, retention: millis(tokenLifetime === 0 ? day : tokenLifetime) };
  const versions = openVersionRing({ transit, schedule, clock, logger, doubt: () => watched.doubt() });
  const says = { away: "failed to read key from vault", back: "vault answers again" };
  const watched = watchKeys(versions, { clock, logger, says });
  const { current, publicKeys, verify } = watched;
  return {
    current,
    publicKeys,
    verify,
    run: async (signal) => {
      await Promise.all([way.run(signal), token.run(signal), watched.run(signal)]);
    },
  };
}

/** A token that Vault does not take any more is replaced, and the question asked again, once. */
function askWith(token: VaultToken, call: ReturnType<typeof openVaultClient>): AskVault {
  return async (question) => {
    const first = await token.current();
    try {
      return await call({ ...question, token: first });
    } catch (error) {
      if (!(error instanceof VaultRefusal) || error.status !== 403) throw error;
      const second = await token.after(first);
      if (second === undefined) throw error;
      return call({ ...question, token: second });
    }
  };
}
