import { createPublicKey, hash, type KeyObject } from "node:crypto";
import { z } from "zod";
import { algorithmFor } from "../shared/algorithms.ts";
import { type RawJwk, readPublicKey, type VerificationKey } from "../shared/verification-key.ts";

/** One version of a Transit key. */
export interface TransitVersion extends VerificationKey {
  readonly version: number;
  /** Milliseconds since the epoch by Vault's clock; undefined where Vault does not say. */
  readonly createdAt: number | undefined;
}

/** A Transit key as Vault tells it. */
export interface TransitKey {
  /** Oldest first. Never empty. */
  readonly versions: readonly TransitVersion[];
  /** Vault signs with none below it. */
  readonly minSigningVersion: number;
  /** Why a version is left out, one line each. */
  readonly unreadable: readonly string[];
}

const version = z.looseObject({ public_key: z.string(), creation_time: z.string().optional() });
const answer = z.looseObject({
  data: z.looseObject({
    latest_version: z.int(),
    min_encryption_version: z.int().default(0),
    min_decryption_version: z.int().default(0),
    derived: z.boolean().default(false),
    // The versions of a symmetric key are numbers.
    keys: z.record(z.string().regex(/^[1-9]\d{0,8}$/), z.unknown()),
  }),
});

/**
 * The key in Vault's answer to `GET keys/NAME`. @throws {Error} It is none that can sign here. Quotes no key.
 */
export function readTransitKey(body: unknown): TransitKey {
  const parsed = answer.safeParse(body);
  if (!parsed.success) throw new Error("the answer describes no Transit key");
  const { latest_version, min_encryption_version, min_decryption_version, keys, derived } = parsed.data.data;
  if (derived) throw new Error("the key is derived: each context has a key of its own, so there is none to publish");
  const versions: TransitVersion[] = [];
  const unreadable: string[] = [];
  for (const [number, described] of Object.entries(keys)) {
    try {
      versions.push(readVersion(Number(number), described));
    } catch (error) {
      unreadable.push(`version ${number}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  versions.sort((a, b) => a.version - b.version);
  // Another version would sign for it, under a name that nobody can look up.
  if (!versions.some(({ version }) => version === latest_version)) {
    const why = unreadable.find((reason) => reason.startsWith(`version ${latest_version}:`)) ?? "not in its list";
    throw new Error(`latest key version ${latest_version} cannot be used: ${why}`);
  }
  return { versions, unreadable, minSigningVersion: Math.max(min_encryption_version, min_decryption_version) };
}

function readVersion(number: number, described: unknown): TransitVersion {
  const { data } = version.safeParse(described);
  if (data === undefined) throw new Error("it has no public key");
  const { public_key, creation_time } = data;
  const exported = importKey(public_key).export({ format: "jwk" });
  const { kty, crv, x, y, n, e } = exported;
  const alg = algorithmFor(kty, crv);
  if (alg === undefined) throw new Error(`no algorithm signs with ${kty} ${crv ?? ""}`.trimEnd());
  const raw: Record<string, string> = { kid: thumbprint({ kty, crv, x, y, n, e }), alg };
  for (const [name, value] of Object.entries({ kty, crv, x, y, n, e })) if (value !== undefined) raw[name] = value;
  const createdAt = creation_time === undefined ? Number.NaN : Date.parse(creation_time);
  return { ...readPublicKey(raw), version: number, createdAt: Number.isNaN(createdAt) ? undefined : createdAt };
}

/** RFC 8032 keys come bare: 32 bytes in base64. Everything else is PEM, or the DER in it. */
function importKey(text: string): KeyObject {
  try {
    if (text.includes("-----BEGIN")) return createPublicKey(text);
    const bytes = Buffer.from(text, "base64");
    return bytes.length === 32
      ? createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: bytes.toString("base64url") }, format: "jwk" })
      : createPublicKey({ key: bytes, format: "der", type: "spki" });
  } catch (cause) {
    throw new Error("it has no readable public key", { cause });
  }
}

/** compat(dex): the `kid` is the key's thumbprint, whatever its version's number. RFC 7638 §3. */
function thumbprint(jwk: Partial<RawJwk>): string {
  const members = ["crv", "e", "kty", "n", "x", "y"].filter((name) => jwk[name] !== undefined);
  return hash("sha256", JSON.stringify(Object.fromEntries(members.map((name) => [name, jwk[name]]))), "base64url");
}
