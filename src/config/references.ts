import { quoteGo } from "../kernel/go-quote.ts";
import type { Client } from "../storage/records.ts";
import { below } from "./align.ts";
import { didYouMean } from "./did-you-mean.ts";
import type { ConnectorConfig } from "./read-connectors.ts";
import type { Reading } from "./reading.ts";

/**
 * Names that point at nothing, and names that are given twice. Dex starts with all of them, and some may
 * exist in the storage (made through the API), so they are warnings.
 */
export function references(reading: Reading, clients: readonly Client[], connectors: readonly ConnectorConfig[]): void {
  const { file } = reading;
  const connectorIds = [...connectors.map(({ id }) => id), ...(file.enablePasswordDB ? ["local"] : [])];
  const clientIds = clients.map(({ id }) => id);
  const warnUnknown = unknownWarner(reading);
  if (file.oauth2.passwordConnector !== "") {
    warnUnknown(file.oauth2.passwordConnector, connectorIds, "oauth2.passwordConnector", "connector");
  }
  for (const [domain, id] of Object.entries(file.oauth2.loginHintDomains)) {
    warnUnknown(id, connectorIds, below("oauth2.loginHintDomains", domain), "connector");
  }
  for (const [index, client] of clients.entries()) {
    const path = `staticClients[${index}]`;
    for (const [at, id] of client.allowedConnectors.entries()) {
      warnUnknown(id, connectorIds, `${path}.allowedConnectors[${at}]`, "connector");
    }
    for (const [at, id] of client.trustedPeers.entries()) {
      warnUnknown(id, clientIds, `${path}.trustedPeers[${at}]`, "client");
    }
    for (const [at, id] of (client.ssoSharedWith ?? []).entries()) {
      if (id !== "*") warnUnknown(id, clientIds, `${path}.ssoSharedWith[${at}]`, "client");
    }
  }
  checkDuplicates(reading, clientIds, connectorIds);
  if (connectorIds.length === 0) {
    reading.findings.warn(
      "connectors",
      "no connectors specified and no password database: nobody can log in unless the storage holds a connector",
    );
  }
}

const unknownWarner =
  ({ findings }: Reading) =>
  (id: string, known: readonly string[], path: string, kind: string): void => {
    if (known.includes(id)) return;
    const meant = didYouMean(id, known);
    findings.warn(path, `this file has no ${kind} ${quoteGo(id)}`, meant === undefined ? {} : { didYouMean: meant });
  };

function checkDuplicates(
  { file, findings }: Reading,
  clientIds: readonly string[],
  connectorIds: readonly string[],
): void {
  clientIds.forEach((id, index) => {
    if (id !== "" && clientIds.indexOf(id) < index)
      findings.warn(`staticClients[${index}]`, `there is another client ${quoteGo(id)}; the last one counts`);
  });
  file.connectors.forEach(({ id }, index) => {
    if (id === "") return;
    if (file.enablePasswordDB && id === "local") {
      findings.warn(`connectors[${index}].id`, 'the password database is connector "local" too and hides this one');
    } else if (connectorIds.indexOf(id) < index) {
      findings.warn(`connectors[${index}].id`, `there is another connector ${quoteGo(id)}; the last one counts`);
    }
  });
  const emails = file.staticPasswords.map(({ email }) => email.toLowerCase());
  emails.forEach((email, index) => {
    if (emails.indexOf(email) === index) return;
    findings.warn(`staticPasswords[${index}].email`, "attempting to create StaticPasswords with the same email id", {
      fields: { email },
    });
  });
}
