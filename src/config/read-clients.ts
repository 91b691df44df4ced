import { quoteGo } from "../kernel/go-quote.ts";
import { Secret } from "../kernel/secret.ts";
import type { Client } from "../storage/records.ts";
import { variable } from "./feature-flags.ts";
import type { Reading } from "./reading.ts";
import type { ConfigFile } from "./schema.ts";

type FileClient = ConfigFile["staticClients"][number];

export function readClients(reading: Reading): readonly Client[] {
  return reading.file.staticClients.map((client, index) => readClient(reading, client, `staticClients[${index}]`));
}

function readClient(reading: Reading, client: FileClient, path: string): Client {
  const { findings } = reading;
  const { refreshTokenLifetime, mfaChain, ssoSharedWith } = client;
  if (client.name === "")
    findings.refuse("setup", `${path}.name`, "invalid config: Name field is required for a client");
  const lifetimes = ["", "standalone", "session"] as const;
  const lifetime = lifetimes.find((known) => known === refreshTokenLifetime);
  if (lifetime === undefined) {
    findings.refuse(
      "setup",
      `${path}.refreshTokenLifetime`,
      `staticClients: client ${quoteGo(client.id)}: invalid refresh token lifetime ${quoteGo(refreshTokenLifetime)}: want "standalone" or "session"`,
    );
  }
  return {
    id: readId(reading, client, path),
    secret: readSecret(reading, client, path),
    redirectUris: client.redirectURIs,
    trustedPeers: client.trustedPeers,
    public: client.public,
    name: client.name,
    logoUrl: client.logoURL,
    allowedConnectors: client.allowedConnectors,
    ...(mfaChain === undefined ? {} : { mfaChain }),
    postLogoutRedirectUris: client.postLogoutRedirectURIs,
    ...(ssoSharedWith === undefined ? {} : { ssoSharedWith }),
    backchannelLogoutUri: client.backchannelLogoutURI,
    ...(client.frontchannelLogoutURI === "" ? {} : { frontchannelLogoutUri: client.frontchannelLogoutURI }),
    refreshTokenLifetime: lifetime ?? "",
    clientCredentialsGroups: client.clientCredentialsClaims.groups,
  };
}

function readId({ findings, env }: Reading, { id, idEnv }: FileClient, path: string): string {
  if (id === "" && idEnv === "") {
    findings.refuse("setup", `${path}.id`, "invalid config: ID or IDEnv field is required for a client");
    return "";
  }
  if (idEnv === "") return id;
  if (id !== "") {
    findings.refuse(
      "setup",
      `${path}.idEnv`,
      `invalid config: ID and IDEnv fields are exclusive for client ${quoteGo(id)}`,
    );
    return id;
  }
  const value = variable(env, idEnv);
  if (value === "") findings.refuse("setup", `${path}.idEnv`, unset(idEnv));
  return value;
}

function readSecret({ findings, env }: Reading, client: FileClient, path: string): Secret {
  const { id, secret, secretEnv } = client;
  const hasSecret = secret.reveal() !== "";
  if (!hasSecret && secretEnv === "" && !client.public) {
    findings.refuse(
      "setup",
      `${path}.secret`,
      `invalid config: Secret or SecretEnv field is required for client ${quoteGo(id)}`,
    );
  }
  if (secretEnv === "") return secret;
  if (hasSecret) {
    findings.refuse(
      "setup",
      `${path}.secretEnv`,
      `invalid config: Secret and SecretEnv fields are exclusive for client ${quoteGo(id)}`,
    );
    return secret;
  }
  const value = variable(env, secretEnv);
  // Dex takes the empty text for the secret, and so lets anyone in who sends none.
  if (value === "") findings.refuse("setup", `${path}.secretEnv`, unset(secretEnv));
  return new Secret(value);
}

const unset = (name: string): string => `invalid config: the environment variable ${quoteGo(name)} is not set or empty`;
