import { quoteGo } from "../kernel/go-quote.ts";
import { type Millis, millis } from "../kernel/ports.ts";
import { didYouMean } from "./did-you-mean.ts";
import { readVaultSigner, type VaultSignerConfig } from "./read-vault-signer.ts";
import { expandedBlock, invalidValue, type Reading, readDuration } from "./reading.ts";
import { signerSchemas } from "./schema.ts";

/** What a local signer makes keys for. */
const localAlgorithms = ["RS256", "ES256", "EdDSA"] as const;
export type LocalAlgorithm = (typeof localAlgorithms)[number];

export interface LocalSignerConfig {
  readonly type: "local";
  readonly keysRotationPeriod: Millis;
  readonly algorithm: LocalAlgorithm;
}

export type SignerConfig = LocalSignerConfig | VaultSignerConfig;

const sixHours = millis(21_600_000);

/** Undefined: refused. */
export function readSigner(reading: Reading): SignerConfig | undefined {
  const { file, findings } = reading;
  if (file.signer === undefined) return implicitSigner(reading);
  const type = file.signer?.type ?? "";
  if (type === "local") return readLocal(reading);
  if (type === "vault") return readVaultSigner(reading);
  const meant = didYouMean(type, Object.keys(signerSchemas));
  findings.refuse(
    "decode",
    "signer.type",
    `unknown signer type ${quoteGo(type)}`,
    meant === undefined ? { hint: "local or vault" } : { didYouMean: meant },
  );
  return undefined;
}

function implicitSigner({ file, findings }: Reading): LocalSignerConfig {
  const { signingKeys } = file.expiry;
  if (signingKeys !== undefined && signingKeys !== "") {
    findings.warn("expiry.signingKeys", "config expiry.signingKeys will be removed in a future release", {
      fields: { use_instead: "signer.config.keysRotationPeriod", current_value: signingKeys, deprecated: true },
    });
  }
  const prefix = `failed to open local signer: ${invalidValue(signingKeys, "local signer rotation period")}`;
  const keysRotationPeriod = readDuration(findings, "expiry.signingKeys", signingKeys, prefix) ?? sixHours;
  return { type: "local", keysRotationPeriod, algorithm: "RS256" };
}

function readLocal(reading: Reading): LocalSignerConfig | undefined {
  const { file, findings, aligner } = reading;
  const block = expandedBlock(reading, "signer.config");
  if (block === undefined) return undefined;
  const path = "signer.config.keysRotationPeriod";
  const local = signerSchemas.local.parse(aligner.object(block, signerSchemas.local, "signer.config"));
  const algorithm = localAlgorithms.find((each) => each === (local.algorithm || "RS256"));
  if (algorithm === undefined) {
    const message = `parse signer config: unsupported local signer algorithm ${quoteGo(local.algorithm)}`;
    findings.refuse("decode", "signer.config.algorithm", message, { hint: "RS256, ES256 or EdDSA" });
  }
  const period = local.keysRotationPeriod ?? "";
  if (period === "") {
    findings.refuse("setup", path, "failed to open local signer: signer.config.keysRotationPeriod must be specified", {
      hint: "keysRotationPeriod: 6h",
    });
  }
  if ((file.expiry.signingKeys ?? "") !== "") {
    findings.warn(
      "expiry.signingKeys",
      "both expiry.signingKeys and signer.config.keysRotationPeriod specified, using signer.config.keysRotationPeriod",
    );
  }
  const prefix = `failed to open local signer: ${invalidValue(period, "local signer rotation period")}`;
  const keysRotationPeriod = readDuration(findings, path, period, prefix) ?? sixHours;
  return { type: "local", keysRotationPeriod, algorithm: algorithm ?? "RS256" };
}
