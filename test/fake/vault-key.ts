import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";

/** What Transit calls the types that sign here. */
export const transitTypes = ["rsa-2048", "ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "ed25519"] as const;
export type TransitType = (typeof transitTypes)[number];

const curves: Partial<Record<TransitType, string>> = {
  "ecdsa-p256": "P-256",
  "ecdsa-p384": "P-384",
  "ecdsa-p521": "P-521",
};

const names: Record<TransitType, string> = {
  "rsa-2048": "rsa-2048",
  "ecdsa-p256": "P-256",
  "ecdsa-p384": "P-384",
  "ecdsa-p521": "P-521",
  ed25519: "ed25519",
};

/** The parameters of a call to sign. */
export interface SignParameters {
  readonly key_version?: number;
  readonly hash_algorithm?: string;
  readonly signature_algorithm?: string;
  readonly marshaling_algorithm?: string;
  readonly prehashed?: boolean;
}

/** A Transit key as OpenBao 2.6 keeps one (sdk/helper/keysutil/policy.go): same bounds, same defaults, same words. */
export class VaultKey {
  readonly type: TransitType;
  minEncryptionVersion = 0;
  minDecryptionVersion = 1;
  readonly #now: () => number;
  readonly #versions: { readonly privateKey: KeyObject; readonly publicText: string; readonly createdAt: number }[] =
    [];

  constructor(type: TransitType, now: () => number) {
    this.type = type;
    this.#now = now;
    this.rotate();
  }

  get latestVersion(): number {
    return this.#versions.length;
  }

  /** A new version, which Vault likes best from now on. */
  rotate(): void {
    const { privateKey, publicKey } = newPair(this.type);
    // An Ed25519 key is told as its bare 32 bytes, every other one as PEM.
    const publicText =
      this.type === "ed25519"
        ? Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url").toString("base64")
        : publicKey.export({ format: "pem", type: "spki" }).toString();
    this.#versions.push({ privateKey, publicText, createdAt: this.#now() });
  }

  /** `data` of `GET keys/NAME`. */
  describe(name: string): object {
    const keys = this.#versions.flatMap(({ publicText, createdAt }, index): [string, object][] =>
      index + 1 < this.minDecryptionVersion
        ? []
        : [
            [
              String(index + 1),
              {
                certificate_chain: "",
                creation_time: new Date(createdAt).toISOString().replace("Z", "123456Z"),
                name: names[this.type],
                public_key: publicText,
              },
            ],
          ],
    );
    return {
      ...{ allow_plaintext_backup: false, auto_rotate_period: 0, deletion_allowed: false, derived: false },
      ...{ exportable: false, imported_key: false, soft_deleted: false, name, type: this.type },
      keys: Object.fromEntries(keys),
      latest_version: this.latestVersion,
      min_available_version: 0,
      min_decryption_version: this.minDecryptionVersion,
      min_encryption_version: this.minEncryptionVersion,
      ...{ supports_decryption: this.type === "rsa-2048", supports_derivation: this.type === "ed25519" },
      ...{ supports_encryption: this.type === "rsa-2048", supports_signing: true },
    };
  }

  /** @throws {Error} In Transit's words. */
  sign(input: Buffer, parameters: SignParameters): { readonly signature: string; readonly key_version: number } {
    const version = this.#version(parameters.key_version ?? 0);
    const stored = this.#versions[version - 1];
    if (stored === undefined) throw new Error("no such version");
    const { marshaling_algorithm: marshaling = "asn1" } = parameters;
    const bytes = this.#signBytes(stored.privateKey, input, parameters, marshaling);
    const encoded = marshaling === "jws" ? bytes.toString("base64url") : bytes.toString("base64");
    return { signature: `vault:v${version}:${encoded}`, key_version: version };
  }

  #version(asked: number): number {
    const refuse = (why: string): Error => new Error(`requested version for signing is ${why}`);
    if (asked < 0) throw refuse("negative");
    if (asked > this.latestVersion) throw refuse("higher than the latest key version");
    const version = asked === 0 ? this.latestVersion : asked;
    if (asked > 0 && asked < this.minEncryptionVersion) throw refuse("less than the minimum encryption key version");
    if (version < this.minDecryptionVersion) throw new Error("key version is archived");
    return version;
  }

  #signBytes(key: KeyObject, input: Buffer, parameters: SignParameters, marshaling: string): Buffer {
    if (this.type === "ed25519") return sign(null, input, key);
    if (parameters.prehashed === true) throw new Error("this stand-in hashes by itself");
    const digest = { "sha2-256": "sha256", "sha2-384": "sha384", "sha2-512": "sha512" }[
      parameters.hash_algorithm ?? "sha2-256"
    ];
    if (digest === undefined) throw new Error(`invalid hash algorithm "${parameters.hash_algorithm}"`);
    if (this.type !== "rsa-2048") {
      // Go's P-256 signs any digest; so does OpenSSL.
      return sign(digest, input, { key, dsaEncoding: marshaling === "jws" ? "ieee-p1363" : "der" });
    }
    const isPss = (parameters.signature_algorithm ?? "pss") === "pss";
    // 6 is PSS, 1 is PKCS #1 v1.5.
    return sign(digest, input, { key, padding: isPss ? 6 : 1 });
  }
}

function newPair(type: TransitType): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  if (type === "rsa-2048") return generateKeyPairSync("rsa", { modulusLength: 2048 });
  if (type === "ed25519") return generateKeyPairSync("ed25519");
  return generateKeyPairSync("ec", { namedCurve: curves[type] ?? "" });
}

/** What a token looks like that nobody could have made up. */
export const tokenText = (seed: string): string =>
  `s.${createHash("sha256").update(seed).digest("base64url").slice(0, 24)}`;
