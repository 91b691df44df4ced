import type { Config } from "../config/config.ts";
import type { VaultSignerConfig } from "../config/read-vault-signer.ts";
import type { Signer } from "../signer/contract.ts";
import { type SignerDeps, type SignerSettings, signers } from "../signer/registry.ts";

/** The configured signer. @throws {Error} A file of its TLS settings cannot be used. */
export async function openSigner({ signer, expiry }: Config, deps: Omit<SignerDeps, "tokenLifetime">): Promise<Signer> {
  const withLifetime = { ...deps, tokenLifetime: expiry.idTokens };
  if (signer.type === "local") {
    const { algorithm, keysRotationPeriod: rotationPeriod } = signer;
    deps.logger.info("signer configured", { type: signer.type, keys_rotation_period: `${rotationPeriod / 1000}s` });
    return signers.local({ algorithm, rotationPeriod }, withLifetime);
  }
  deps.logger.info("signer configured", { type: signer.type });
  try {
    return await signers.vault(vaultSettings(signer), withLifetime);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`failed to open vault signer: failed to create vault client: ${why}`, { cause });
  }
}

type VaultSettings = SignerSettings["vault"];

function vaultSettings(config: VaultSignerConfig): VaultSettings {
  const { addr, mount, keyName, namespace, timeout } = config;
  const { caCert, caBytes, caPath, clientCert, clientKey, tlsServerName: serverName, insecureSkipVerify } = config;
  return {
    address: new URL(addr),
    ...{ mount, keyName, timeout },
    login: loginOf(config),
    ...(namespace === "" ? {} : { namespace }),
    tls: { caCert, caBytes, caPath, clientCert, clientKey, serverName, insecureSkipVerify },
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
