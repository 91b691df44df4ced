import { z } from "zod";
import { UnavailableError } from "../../kernel/errors.ts";
import { algorithms } from "../shared/algorithms.ts";
import type { SendBatch } from "./sign-batches.ts";
import { readTransitKey, type TransitKey, type TransitVersion } from "./transit-key.ts";
import { type VaultCall, VaultRefusal } from "./vault-client.ts";

/** Asks with the token of the moment. @throws {VaultRefusal} Vault said no. @throws {UnavailableError} It is away. */
export type AskVault = (call: Omit<VaultCall, "token">) => Promise<unknown>;

/** One key of one Transit engine. */
export interface Transit {
  /** @throws {UnavailableError} It cannot be read now; the message says what an operator has to do. */
  read(): Promise<TransitKey>;
  /** Signs with exactly `version`: what Vault likes best may be public to nobody yet. @throws {UnavailableError} */
  sign(version: TransitVersion, inputs: readonly string[]): ReturnType<SendBatch>;
}

export function openTransit(ask: AskVault, mount: string, keyName: string): Transit {
  const key = `${mount}/keys/${encodeURIComponent(keyName)}`;
  const sign = `${mount}/sign/${encodeURIComponent(keyName)}`;
  return {
    async read() {
      try {
        return readTransitKey(await ask({ method: "GET", path: key }));
      } catch (error) {
        if (error instanceof VaultRefusal && error.status === 404) {
          throw new UnavailableError("signer", `key ${JSON.stringify(keyName)} not found in vault (${key})`, {
            cause: error,
          });
        }
        throw unavailable("failed to read key from vault", error, `read on ${key}`);
      }
    },
    async sign(version, inputs) {
      try {
        const body = signRequest(version, inputs);
        return readResults(await resultsOf(() => ask({ method: "POST", path: sign, body })), version, inputs.length);
      } catch (error) {
        throw unavailable("vault sign", error, `update on ${sign}`);
      }
    },
  };
}

/** compat(dex): its message begins so. What a 403 lacks stands behind it. */
function unavailable(what: string, error: unknown, policy: string): UnavailableError {
  const reason = error instanceof Error ? error.message : String(error);
  const isForbidden = error instanceof VaultRefusal && error.status === 403;
  return new UnavailableError("signer", `${what}: ${reason}${isForbidden ? ` (the token needs ${policy})` : ""}`, {
    cause: error,
  });
}

/** Vault's default is PSS over SHA-256 in ASN.1; a JWS is none of these. RFC 7518 §3.3, §3.4. */
function signRequest({ version, jwk }: TransitVersion, inputs: readonly string[]): object {
  const { digest } = algorithms[jwk.alg];
  return {
    batch_input: inputs.map((input) => ({ input: Buffer.from(input, "latin1").toString("base64") })),
    key_version: version,
    marshaling_algorithm: "jws",
    signature_algorithm: "pkcs1v15",
    prehashed: false,
    ...(digest === undefined ? {} : { hash_algorithm: digest.replace("sha", "sha2-") }),
  };
}

/** HashiCorp's answers 400 when one of a batch failed, with the results of all. */
async function resultsOf(ask: () => Promise<unknown>): Promise<unknown> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof VaultRefusal && error.status === 400 && batch.safeParse(error.answer).success)
      return error.answer;
    throw error;
  }
}

const batch = z.looseObject({
  data: z.looseObject({
    batch_results: z.array(z.looseObject({ signature: z.string().optional(), error: z.string().optional() })),
  }),
});

function readResults(answer: unknown, version: TransitVersion, count: number): readonly (string | Error)[] {
  const results = batch.safeParse(answer).data?.data.batch_results;
  if (results?.length !== count) throw new Error(`the answer does not hold ${count} signatures`);
  return results.map(({ signature = "", error = "" }) =>
    error === "" ? (readSignature(signature, version) ?? new Error("unexpected signature format")) : new Error(error),
  );
}

/** `vault:vN:SIGNATURE`. Undefined unless it is one by this very version, of the length that its key has. */
function readSignature(text: string, { version, jwk, key }: TransitVersion): string | undefined {
  const [prefix, by, encoded = "", ...more] = text.split(":");
  if (prefix !== "vault" || by !== `v${version}` || more.length > 0 || !/^[\w+/-]+=*$/.test(encoded)) return undefined;
  const bytes = Buffer.from(encoded, "base64");
  return bytes.length === signatureBytes(jwk.alg, key.asymmetricKeyDetails?.modulusLength)
    ? bytes.toString("base64url")
    : undefined;
}

function signatureBytes(alg: TransitVersion["jwk"]["alg"], modulusLength = 0): number {
  const { kty, coordinateBytes } = algorithms[alg];
  if (coordinateBytes !== undefined) return 2 * coordinateBytes;
  // RFC 8032 §5.1.6; RFC 8017 §8.2.1.
  return kty === "OKP" ? 64 : Math.ceil(modulusLength / 8);
}
