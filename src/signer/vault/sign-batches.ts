import { UnavailableError } from "../../kernel/errors.ts";

/** Signs all inputs with one version of the key; each result is a signature in base64url, or why there is none. */
export type SendBatch = (version: number, inputs: readonly string[]) => Promise<readonly (string | Error)[]>;

export type SignOne = (version: number, input: string) => Promise<string>;

/** Calls at one time. Enough to hide the way to Vault and back, few enough for batches to fill under load. */
const mostCalls = 8;
const mostInCall = 256;
/** Some seconds of work for a busy Vault; whoever comes later is better told so at once. */
const mostWaiting = 4_096;

interface Waiting {
  readonly version: number;
  readonly input: string;
  resolve(signature: string): void;
  reject(reason: unknown): void;
}

/**
 * What is asked for in one turn of the event loop goes to Vault in one call, and so does what gathers while all calls
 * are out. When a call fails, whoever waits fails with it: behind a Vault that is away nobody queues for a timeout of
 * their own.
 */
export function openSignBatches(send: SendBatch): SignOne {
  let waiting: Waiting[] = [];
  let calls = 0;
  let isDue = false;

  const refuseAll = (reason: unknown): void => {
    const refused = waiting;
    waiting = [];
    for (const { reject } of refused) reject(reason);
  };

  const call = async (batch: readonly Waiting[], version: number): Promise<void> => {
    try {
      const results = await send(
        version,
        batch.map(({ input }) => input),
      );
      batch.forEach(({ resolve, reject }, index) => {
        const result = results[index];
        if (typeof result === "string") resolve(result);
        else reject(new UnavailableError("signer", "Vault did not sign", { cause: result }));
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
      refuseAll(error);
    } finally {
      calls--;
      flush();
    }
  };

  const flush = (): void => {
    isDue = false;
    while (calls < mostCalls && waiting[0] !== undefined) {
      const { version } = waiting[0];
      // Around a rotation two versions wait side by side; a call has one.
      const batch = waiting.filter((each) => each.version === version).slice(0, mostInCall);
      const taken = new Set(batch);
      waiting = waiting.filter((each) => !taken.has(each));
      calls++;
      void call(batch, version);
    }
  };

  return (version, input) =>
    new Promise((resolve, reject) => {
      if (waiting.length >= mostWaiting) {
        reject(new UnavailableError("signer", `${mostWaiting} signatures wait for Vault already`));
        return;
      }
      waiting.push({ version, input, resolve, reject });
      if (isDue || calls >= mostCalls) return;
      isDue = true;
      setImmediate(flush);
    });
}
