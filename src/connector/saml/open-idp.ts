import { readFile } from "node:fs/promises";
import { parseDuration } from "../../kernel/duration.ts";
import { millis } from "../../kernel/ports.ts";
import type { ConnectorDeps } from "../contract.ts";
import { decodePem, hasMetadata, type SamlKeys } from "./config.ts";
import type { Endpoint, Idp, IdpSource } from "./idp.ts";
import { createMetadataSource } from "./metadata-source.ts";
import { type PemForms, readPem } from "./pem.ts";
import { type MetadataPolicy, readMetadata } from "./read-metadata.ts";
import { pinnedKeys, type TrustedKey } from "./trusted-keys.ts";

/** What is known of the identity provider: from the configuration alone, or with its metadata. @throws {Error} A file cannot be read. */
export async function openIdp(config: SamlKeys, deps: ConnectorDeps): Promise<IdpSource> {
  const slo = configuredSlo(config);
  if (!hasMetadata(config)) return fixed(await configured(config, slo));
  const fetchText = await openReader(config, deps);
  const signers = await pinsOf(config.metadataCA, config.metadataCAData);
  const policy: Omit<MetadataPolicy, "now"> = {
    signers: signers.length === 0 ? undefined : signers,
    entityId: config.ssoIssuer || undefined,
    ssoBinding: config.requestBinding || undefined,
    sloBinding: config.sloBinding || undefined,
    allowsSha1: config.insecureAllowSHA1,
  };
  return createMetadataSource({
    ...deps,
    every: millis(parseDuration(config.metadataRefresh || "1h")),
    read: async (signal) => {
      const idp = readMetadata(await fetchText(signal), { ...policy, now: deps.clock.now() });
      const sso: Endpoint = config.ssoURL === "" ? idp.sso : { ...idp.sso, url: new URL(config.ssoURL) };
      return { ...idp, sso, slo: slo ?? idp.slo };
    },
  });
}

const fixed = (idp: Idp): IdpSource => ({
  current: async () => idp,
  reread: async () => undefined,
  close: () => undefined,
});

async function configured(config: SamlKeys, slo: Endpoint | undefined): Promise<Idp> {
  return {
    entityId: config.ssoIssuer || undefined,
    sso: { url: new URL(config.ssoURL), binding: config.requestBinding || "post" },
    slo,
    keys: config.insecureSkipSignatureValidation ? [] : await pinsOf(config.ca, config.caData),
  };
}

const configuredSlo = ({ sloURL, sloBinding }: SamlKeys): Endpoint | undefined =>
  sloURL === "" ? undefined : { url: new URL(sloURL), binding: sloBinding || "redirect" };

async function pinsOf(file: string, data: string): Promise<readonly TrustedKey[]> {
  if (file === "" && data === "") return [];
  return pinnedKeys(file === "" ? decodePem(data) : await readCa(file));
}

async function readCa(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new Error(`read ca file: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** Bytes of metadata at the most. */
const mostMetadata = 4 * 1024 * 1024;

async function openReader(
  config: SamlKeys,
  deps: ConnectorDeps,
): Promise<(signal: AbortSignal) => Promise<Uint8Array>> {
  if (config.metadataFile !== "") return (signal) => readFile(config.metadataFile, { signal });
  const rootCAs = await Promise.all(config.rootCAs.map((form: PemForms) => readPem(form)));
  const tls = rootCAs.length === 0 ? {} : { rootCAs, keepsSystemCAs: true };
  const fetchUpstream = deps.openFetch({ ...tls, maxBody: mostMetadata });
  return async (signal) => {
    const response = await fetchUpstream(config.metadataURL, { signal, redirect: "follow" });
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`the metadata's address answered ${response.status}`);
    }
    return new Uint8Array(await response.arrayBuffer());
  };
}
