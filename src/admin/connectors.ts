import { quoteGo } from "../kernel/go-quote.ts";
import { Secret } from "../kernel/secret.ts";
import { connectorGrants } from "../oauth/grant-type.ts";
import { AlreadyExistsError } from "../storage/contract.ts";
import type { ConnectorRecord } from "../storage/records.ts";
import type { DexMethods, UpdateConnectorReq } from "./api-messages.ts";
import type { Methods } from "./contract.ts";
import { demand, demandConnectorFlag, doing, Refusal } from "./refusal.ts";

/** The places that people come from. A change is seen by every replica's logins within a second. */
export const connectorMethods: Pick<
  Methods<DexMethods>,
  "CreateConnector" | "UpdateConnector" | "DeleteConnector" | "ListConnectors"
> = {
  async CreateConnector({ connector: asked }, deps) {
    demandConnectorFlag(deps);
    demand(asked, "no connector supplied");
    demand(asked.id, "no id supplied");
    demand(asked.type, "no type supplied");
    demand(asked.name, "no name supplied");
    demand(asked.config, "no config supplied");
    checkConfig(asked.config);
    checkGrants(asked.grant_types);
    try {
      await deps.storage.connectors.create({
        id: asked.id,
        type: asked.type,
        name: asked.name,
        resourceVersion: "1",
        config: new Secret(asked.config),
        grantTypes: asked.grant_types,
      });
    } catch (error) {
      if (error instanceof AlreadyExistsError) return { already_exists: true };
      return doing("create connector", Promise.reject(error));
    }
    return { already_exists: false };
  },

  async UpdateConnector(request, deps) {
    demandConnectorFlag(deps);
    // compat(dex): sic.
    demand(request.id, "no email supplied");
    const { new_type: type, new_name: name, new_config: config, new_grant_types: grants } = request;
    if (type === "" && name === "" && config.length === 0 && grants === null) throw new Refusal("nothing to update");
    if (config.length > 0) checkConfig(config);
    checkGrants(grants?.grant_types ?? []);
    const changed = await doing(
      "update connector",
      deps.storage.connectors.update(request.id, (known) => updated(known, request)),
    );
    return { not_found: changed === undefined };
  },

  async DeleteConnector({ id }, deps) {
    demandConnectorFlag(deps);
    demand(id, "no id supplied");
    return { not_found: !(await doing("delete connector", deps.storage.connectors.delete(id))) };
  },

  async ListConnectors(_request, deps) {
    demandConnectorFlag(deps);
    const connectors = await doing("list connectors", deps.storage.connectors.list());
    return {
      connectors: connectors.map(({ id, type, name, config, grantTypes }) => ({
        id,
        type,
        name,
        config: Buffer.from(config.reveal()),
        grant_types: grantTypes,
      })),
    };
  },
};

function updated(known: ConnectorRecord, request: UpdateConnectorReq): ConnectorRecord {
  return {
    ...known,
    type: request.new_type || known.type,
    name: request.new_name || known.name,
    config: request.new_config.length > 0 ? new Secret<Uint8Array>(request.new_config) : known.config,
    grantTypes: request.new_grant_types?.grant_types ?? known.grantTypes,
    resourceVersion: nextVersion(known.resourceVersion),
  };
}

/** compat(dex): a number counts up, nothing counts as 0, and what is no number stays. */
const nextVersion = (version: string): string =>
  /^[+-]?\d{1,15}$/.test(version || "0") ? String(Number(version) + 1) : version;

function checkConfig(config: Uint8Array): void {
  try {
    JSON.parse(Buffer.from(config).toString());
  } catch {
    // No cause: the parser quotes the text, and the text holds secrets.
    throw new Refusal("invalid config supplied");
  }
}

function checkGrants(grants: readonly string[]): void {
  const unknown = grants.find((grant) => !connectorGrants.includes(grant));
  if (unknown !== undefined) throw new Refusal(`unknown grant type ${quoteGo(unknown)}`);
}
