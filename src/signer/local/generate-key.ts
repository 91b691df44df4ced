import { generateKeyPair, type KeyObject } from "node:crypto";
import type { Random } from "../../kernel/ports.ts";
import { Secret } from "../../kernel/secret.ts";
import type { StoredJwk } from "../../storage/records.ts";
import { storedJwk } from "./stored-jwk.ts";

/** What we make keys for; what Dex or another hand stored may be more. */
export type LocalAlgorithm = "RS256" | "ES256" | "EdDSA";

/** A new private key as it is stored. Made on libuv's pool: an RSA key takes a tenth of a second and more. */
export async function generateKey(algorithm: LocalAlgorithm, random: Random): Promise<Secret<StoredJwk>> {
  const privateKey = await newPrivateKey(algorithm);
  const kid = Buffer.from(random.bytes(20)).toString("hex");
  const { kty, crv, x, y, n, e, d, p, q, dp, dq, qi } = privateKey.export({ format: "jwk" });
  // `storedJwk` leaves out what this type of key does not have.
  const members = { use: "sig", kid, alg: algorithm, kty, crv, x, y, n, e, d, p, q, dp, dq, qi };
  return new Secret(storedJwk(Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))));
}

function newPrivateKey(algorithm: LocalAlgorithm): Promise<KeyObject> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, _publicKey: KeyObject, privateKey: KeyObject): void => {
      if (error === null) resolve(privateKey);
      else reject(error);
    };
    switch (algorithm) {
      case "RS256":
        // compat(dex): 2048 bits, exponent 65537 (server/signer/rotation.go).
        generateKeyPair("rsa", { modulusLength: 2048, publicExponent: 0x10001 }, done);
        return;
      case "ES256":
        generateKeyPair("ec", { namedCurve: "P-256" }, done);
        return;
      case "EdDSA":
        generateKeyPair("ed25519", {}, done);
        return;
    }
  });
}
