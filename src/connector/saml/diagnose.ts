import type { KeyObject } from "node:crypto";
import type { ConnectorDeps, Report } from "../contract.ts";
import { httpProbe } from "../shared/http-probe.ts";
import { hasMetadata, type SamlKeys } from "./config.ts";
import type { Endpoint, Idp } from "./idp.ts";
import { openParts, type Parts } from "./parts.ts";
import { readCertificate } from "./pem.ts";

/** How long `dex connector test` waits for metadata. */
const patience = 20_000;

/** What a login would need of the identity provider, and what it must know of us. @throws {Error} Nothing is known of it. */
export async function diagnoseIdp(config: SamlKeys, deps: ConnectorDeps, report: Report): Promise<void> {
  const parts = await openParts(config, deps);
  try {
    const idp = await parts.idp.current(AbortSignal.timeout(patience));
    diagnoseEntity(config, idp, report);
    await diagnoseEndpoint("sign-on", idp.sso, deps, report);
    if (idp.slo === undefined) report.fact("pass", "logout", "no address for it is known");
    else await diagnoseEndpoint("logout", idp.slo, deps, report);
    diagnoseKeys(config, idp, report);
    await diagnoseOurs(config, parts, idp, report);
  } finally {
    parts.idp.close();
  }
}

function diagnoseEntity(config: SamlKeys, { entityId }: Idp, report: Report): void {
  const source = hasMetadata(config) ? `by ${config.metadataURL || config.metadataFile}` : "by the configuration";
  if (entityId !== undefined) report.fact("pass", "issuer", `${entityId}, ${source}`);
  else report.fact("warn", "issuer", "ssoIssuer is empty: any that signs with the keys is taken");
  report.fact("pass", "audience", config.entityIssuer || config.redirectURI);
  report.fact("pass", "consumer", `answers must be posted to ${config.redirectURI}`);
}

/** Only the browser need reach it. That it cannot be reached from here is worth a word and no more. */
async function diagnoseEndpoint(
  about: string,
  { url, binding }: Endpoint,
  { openFetch }: ConnectorDeps,
  report: Report,
): Promise<void> {
  report.fact("pass", about, `${binding} to ${url.href}`);
  await report.address(url);
  try {
    await httpProbe(openFetch({ insecureSkipVerify: true }))(url.href, AbortSignal.timeout(patience));
  } catch (error) {
    report.fact("warn", about, `not from here: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function diagnoseKeys(config: SamlKeys, { keys }: Idp, report: Report): void {
  if (config.insecureSkipSignatureValidation) {
    report.fact("fail", "keys", "insecureSkipSignatureValidation: anybody can sign in as anybody");
  }
  for (const { key, name, certificateEnds, validity } of keys) {
    report.fact(isWeak(key) ? "warn" : "pass", "key", `${strengthOf(key)}, ${name}`);
    // What metadata lists counts as long as it stands there, whatever its certificate says.
    if (validity !== undefined) report.certificate(name, certificateEnds);
    else report.fact("pass", "certificate", `${name}, listed; it ends ${new Date(certificateEnds).toISOString()}`);
  }
}

async function diagnoseOurs(config: SamlKeys, { signing }: Parts, idp: Idp, report: Report): Promise<void> {
  if (signing !== undefined) report.fact("pass", "requests", `signed with our key, ${strengthOf(signing.key)}`);
  else if (idp.wantsSignedRequests === true) {
    report.fact("fail", "requests", "not signed, and the identity provider wants them signed: see privateKey");
  } else report.fact("pass", "requests", "not signed");
  if (config.certificate === "") return;
  const certificate = await readCertificate(config.certificate);
  const isOurs = signing === undefined || certificate.checkPrivateKey(signing.key);
  if (!isOurs) report.fact("fail", "certificate", "ours is of another key than privateKey");
  report.certificate(`ours, ${certificate.subject.replaceAll("\n", ", ")}`, certificate.validToDate.getTime());
}

const strengthOf = ({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): string =>
  `${(type ?? "").toUpperCase()} ${details?.modulusLength ?? details?.namedCurve ?? ""}`.trim();

const isWeak = ({ asymmetricKeyDetails: details }: KeyObject): boolean => (details?.modulusLength ?? 2048) < 2048;
