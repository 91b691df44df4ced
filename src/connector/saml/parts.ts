import type { KeyObject } from "node:crypto";
import { parseDuration } from "../../kernel/duration.ts";
import type { Trail } from "../../kernel/ports.ts";
import type { ConnectorDeps, Departure } from "../contract.ts";
import type { SamlKeys } from "./config.ts";
import { createDecryptor, type Decryptor } from "./decrypt-assertion.ts";
import type { Endpoint, IdpSource } from "./idp.ts";
import { openIdp } from "./open-idp.ts";
import { readCertificate, readPrivateKey } from "./pem.ts";
import type { SamlRefusal } from "./refusal.ts";
import { createReplayCache, type ReplayCache } from "./replay-cache.ts";
import { type Outgoing, postMessage, redirectMessage, type SigningKey } from "./sign-message.ts";

/** What an open connector consists of. */
export interface Parts {
  readonly config: SamlKeys;
  readonly deps: ConnectorDeps;
  readonly idp: IdpSource;
  readonly signing: SigningKey | undefined;
  readonly decrypt: Decryptor;
  readonly replays: ReplayCache;
  readonly skew: number;
}

/** @throws {Error} A file cannot be read, or holds something else. */
export async function openParts(config: SamlKeys, deps: ConnectorDeps): Promise<Parts> {
  const key = config.privateKey === "" ? undefined : await readPrivateKey(config.privateKey);
  const previous = await Promise.all(config.previousPrivateKeys.map(readPrivateKey));
  if (config.insecureSkipSignatureValidation)
    deps.logger.warn("saml signatures are not verified: anybody can sign in as anybody");
  if (config.insecureAllowSHA1) deps.logger.warn("saml signatures with SHA-1 are taken: they have been forged");
  return {
    config,
    deps,
    signing: key === undefined || config.signRequests === false ? undefined : await signingKey(key, config),
    decrypt: createDecryptor(key === undefined ? previous : [key, ...previous]),
    replays: createReplayCache(deps.clock),
    skew: parseDuration(config.clockSkew || "30s"),
    idp: await openIdp(config, deps),
  };
}

const signingKey = async (key: KeyObject, { certificate }: SamlKeys): Promise<SigningKey> => ({
  key,
  certificate: certificate === "" ? undefined : await readCertificate(certificate),
});

/** 160 bits after an underscore, since an XML ID is a name. SAML Core §1.3.4. */
export const newId = ({ random }: ConnectorDeps): string => `_${Buffer.from(random.bytes(20)).toString("hex")}`;

export const send = ({ binding, url }: Endpoint, message: Outgoing, { signing }: Parts): Promise<Departure> =>
  (binding === "post" ? postMessage : redirectMessage)(url, message, signing);

/** A refusal is explained where it was noticed. */
export function noteRefusal({ check, because, spec }: SamlRefusal, trail: Trail): void {
  trail.note({ check, outcome: "fail", because, ...(spec === undefined ? {} : { spec }) });
}
