import { sign as signBytes } from "node:crypto";
import { UnavailableError } from "../../kernel/errors.ts";
import type { SigningKey } from "../contract.ts";
import { algorithms } from "../shared/algorithms.ts";
import { derToRaw } from "./der-to-raw.ts";
import type { KeyPair } from "./stored-jwk.ts";

/** The key behind the contract: with a callback, `crypto.sign` runs on libuv's pool and never on the event loop. */
export function signingKey({ jwk, privateKey }: KeyPair): SigningKey {
  const { kid, alg } = jwk;
  const { digest, coordinateBytes } = algorithms[alg];
  const encode = (signature: Buffer): string =>
    (coordinateBytes === undefined ? signature : derToRaw(signature, coordinateBytes)).toString("base64url");
  return {
    kid,
    alg,
    sign: (signingInput) =>
      new Promise((resolve, reject) => {
        const refuse = (cause: unknown): void =>
          reject(new UnavailableError("signer", `key ${kid} failed to sign`, { cause }));
        try {
          // The input is base64url and a dot, so every character is one byte.
          signBytes(digest, Buffer.from(signingInput, "latin1"), privateKey, (error, signature) => {
            if (error !== null) return refuse(error);
            try {
              resolve(encode(signature));
            } catch (cause) {
              refuse(cause);
            }
          });
        } catch (cause) {
          refuse(cause);
        }
      }),
  };
}
