import { type HandClock, handClock } from "../../../../test/fake/hand-clock.ts";
import { UnavailableError } from "../../../kernel/errors.ts";
import { type Millis, millis } from "../../../kernel/ports.ts";
import { systemRandom } from "../../../kernel/system.ts";
import { encodeJwt } from "../../../token/jws.ts";
import type { Signer } from "../../contract.ts";
import type { LocalAlgorithm } from "../generate-key.ts";
import { openLocalSigner } from "../local-signer.ts";
import { keptLog } from "./kept-log.ts";
import { type KeysInMemory, keysInMemory } from "./keys-in-memory.ts";

export interface ReplicaOptions {
  readonly clock?: HandClock;
  readonly keys?: KeysInMemory;
  readonly algorithm?: LocalAlgorithm;
  readonly rotationPeriod?: number;
  readonly tokenLifetime?: number;
  readonly every?: Millis;
}

export interface Replica {
  readonly signer: Signer;
  readonly clock: HandClock;
  readonly keys: KeysInMemory;
  readonly log: ReturnType<typeof keptLog>;
  token(payload?: string): Promise<string>;
  /** The kids that `/keys` shows. */
  kids(): Promise<readonly string[]>;
  /** Ends its loop. */
  stop(): Promise<void>;
}

const hour = 3_600_000;

/** The store does not answer. */
export const away = new UnavailableError("storage", "connection refused");

/** One server's signer with its loop running. ES256, 6 h and 24 h, and a look every 15 s unless told: days are wound on. */
export function aReplica(options: ReplicaOptions = {}): Replica {
  const { clock = handClock(), keys = keysInMemory(), algorithm = "ES256" } = options;
  const { rotationPeriod = 6 * hour, tokenLifetime = 24 * hour, every = millis(15_000) } = options;
  const log = keptLog();
  const times = { rotationPeriod: millis(rotationPeriod), tokenLifetime: millis(tokenLifetime), every };
  const signer = openLocalSigner({ keys, clock, random: systemRandom, logger: log, algorithm, ...times });
  const end = new AbortController();
  const ended = signer.run(end.signal);
  return {
    signer,
    clock,
    keys,
    log,
    token: async (payload = "{}") => encodeJwt(await signer.current(), payload),
    kids: async () => (await signer.publicKeys()).map(({ kid }) => kid),
    stop: () => {
      end.abort();
      return ended;
    },
  };
}
