import { readFileSync } from "node:fs";
import type { Config } from "../config/config.ts";
import type { VaultSignerConfig } from "../config/read-vault-signer.ts";
import { Secret } from "../kernel/secret.ts";
import type { Signer } from "../signer/contract.ts";
import { type SignerDeps, type SignerSettings, signers } from "../signer/registry.ts";

/** The configured signer. @throws {Error} A file of its TLS settings cannot be read. */
export function openSigner({ signer, expiry }: Config, deps: Omit<SignerDeps, "tokenLifetime">): Signer {
  const withLifetime = { ...deps, tokenLifetime: expiry.idTokens };
  if (signer.type === "local") {
    const { algorithm, keysRotationPeriod: rotationPeriod } = signer;
    deps.logger.info("signer configured", { type: signer.type, keys_rotation_period: `${rotationPeriod / 1000}s` });
    return signers.local({ algorithm, rotationPeriod }, withLifetime);
  }
  deps.logger.info("signer configured", { type: signer.type });
  return signers.vault(vaultSettings(signer), withLifetime);
}

type VaultSettings = SignerSettings["vault"];

function vaultSettings(config: VaultSignerConfig): VaultSettings {
  const { addr, mount, keyName, namespace, timeout, insecureSkipVerify, caCert, clientCert, clientKey } = config;
  return {
    address: new URL(addr),
    ...{ mount, keyName, timeout, insecureSkipVerify },
    login: loginOf(config),
    ...(namespace === "" ? {} : { namespace }),
    ...(caCert === "" ? {} : { rootCAs: [textOf(caCert)] }),
    ...(clientCert === ""
      ? {}
      : { clientCertificate: { cert: textOf(clientCert), key: new Secret(textOf(clientKey)) } }),
  };
}

function loginOf({ token, tokenFile, kubernetes, appRole }: VaultSignerConfig): VaultSettings["login"] {
  if (tokenFile !== "") return { method: "tokenFile", file: tokenFile };
  if (kubernetes.role !== "") return { method: "kubernetes", ...kubernetes };
  if (appRole.roleID === "") return { method: "token", token };
  const { roleID, secretID, secretIDFile, mount } = appRole;
  return {
    method: "appRole",
    mount,
    roleId: roleID,
    secretId: secretIDFile === "" ? secretID : { file: secretIDFile },
  };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new Error(`failed to open vault signer: failed to create vault client: ${file} cannot be read`, { cause });
  }
}
