import { type HandClock, handClock } from "../../../../test/fake/hand-clock.ts";
import { type FakeVault, startFakeVault, type VaultStart } from "../../../../test/fake/vault.ts";
import { millis } from "../../../kernel/ports.ts";
import { Secret } from "../../../kernel/secret.ts";
import { createUpstreams } from "../../../kernel/upstream-fetch.ts";
import { encodeJwt } from "../../../token/jws.ts";
import type { Signer } from "../../contract.ts";
import { keptLog } from "../../local/testing/kept-log.ts";
import type { VaultSettings, VaultTls } from "../settings.ts";
import { openVaultSigner } from "../vault-signer.ts";

export interface VaultReplica {
  readonly signer: Signer;
  readonly vault: FakeVault;
  readonly clock: HandClock;
  readonly log: ReturnType<typeof keptLog>;
  token(payload?: string): Promise<string>;
  kids(): Promise<readonly string[]>;
  /** Winds the clock on, second by second, while the loops look and renew. */
  wind(ms: number): Promise<void>;
  stop(): Promise<void>;
}

export interface VaultReplicaOptions extends VaultStart {
  /** Serves several replicas. */
  readonly vault?: FakeVault;
  readonly clock?: HandClock;
  readonly settings?: Partial<VaultSettings>;
  /** How the stand-in is, before the signer opens. */
  readonly fake?: Partial<FakeVault>;
  /** What happens to it, before the signer opens. */
  prepare?(vault: FakeVault): void | Promise<void>;
}

/** The system's authorities count, and nothing is shown. */
export const noTls: VaultTls = {
  ...{ caCert: "", caBytes: "", caPath: "", clientCert: "", clientKey: "", serverName: "" },
  insecureSkipVerify: false,
};

/** One server's signer with its loop running, on a stand-in of its own. A token lives for a minute, a cached key set for five seconds. */
export async function aVaultReplica(options: VaultReplicaOptions = {}): Promise<VaultReplica> {
  const { clock = handClock(), settings = {}, prepare } = options;
  const vault = options.vault ?? (await startFakeVault({ now: clock.now, ...options }));
  Object.assign(vault, options.fake);
  await prepare?.(vault);
  const log = keptLog();
  const end = new AbortController();
  const signer = await openVaultSigner({
    address: new URL(vault.url),
    mount: "transit",
    keyName: "dex",
    login: { method: "token", token: new Secret(vault.issue()) },
    timeout: millis(5_000),
    tls: noTls,
    ...settings,
    clock,
    logger: log,
    openFetch: createUpstreams({}),
    closing: end.signal,
    tokenLifetime: millis(60_000),
    jwksCache: millis(5_000),
  }).catch(async (error: unknown) => {
    await vault.close();
    throw error;
  });
  const ended = signer.run(end.signal);
  return {
    signer,
    vault,
    clock,
    log,
    token: async (payload = "{}") => encodeJwt(await signer.current(), payload),
    kids: async () => (await signer.publicKeys()).map(({ kid }) => kid),
    // Both loops: the token's and the key's.
    wind: (ms) => clock.advance(ms, 2),
    async stop() {
      end.abort();
      await ended;
      if (options.vault === undefined) await vault.close();
    },
  };
}
