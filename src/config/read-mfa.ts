import type { z } from "zod";
import { quoteGo } from "../kernel/go-quote.ts";
import type { Millis } from "../kernel/ports.ts";
import { didYouMean } from "./did-you-mean.ts";
import { type Reading, readDuration } from "./reading.ts";
import { type ConfigFile, totpSchema, webauthnSchema } from "./schema.ts";
import { jsonKind } from "./tree.ts";

interface Authenticator {
  readonly id: string;
  /** Connector types; empty: all. */
  readonly connectorTypes: readonly string[];
}

export interface TotpConfig extends Authenticator {
  readonly type: "TOTP";
  readonly issuer: string;
}

export interface WebauthnConfig extends Authenticator, Readonly<Omit<z.output<typeof webauthnSchema>, "timeout">> {
  readonly type: "WebAuthn";
  readonly timeout?: Millis;
}

export type AuthenticatorConfig = TotpConfig | WebauthnConfig;

export interface MfaConfig {
  readonly authenticators: readonly AuthenticatorConfig[];
  readonly defaultMFAChain: readonly string[];
  /** Ids of connectors whose `amr` counts. */
  readonly trustedConnectors: readonly string[];
  /** A session remembers no factor. */
  readonly askEveryTime: boolean;
}

type FileAuthenticator = ConfigFile["mfa"]["authenticators"][number];

export function readMfa(reading: Reading): MfaConfig {
  const { file, findings, flags } = reading;
  const { authenticators, ...choices } = file.mfa;
  checkChains(reading);
  if (authenticators.length === 0 && choices.defaultMFAChain.length === 0) return { authenticators: [], ...choices };
  if (!flags.DEX_SESSIONS_ENABLED) {
    findings.refuse("setup", "mfa", "mfa requires sessions to be enabled (DEX_SESSIONS_ENABLED=true)");
  }
  const read = authenticators.map((authenticator, index) => readAuthenticator(reading, authenticator, index));
  const first = read.findIndex(isFirstFactor);
  const another = read.findIndex((authenticator, index) => index > first && isFirstFactor(authenticator));
  if (another >= 0) {
    const message = "failed to create WebAuthn provider: firstFactor is for one authenticator";
    findings.refuse("setup", `mfa.authenticators[${another}].config.firstFactor`, message);
  }
  return { authenticators: read.filter((authenticator) => authenticator !== undefined), ...choices };
}

const isFirstFactor = (read: AuthenticatorConfig | undefined): boolean => read?.type === "WebAuthn" && read.firstFactor;

function readAuthenticator(
  reading: Reading,
  authenticator: FileAuthenticator,
  index: number,
): AuthenticatorConfig | undefined {
  const { findings, file } = reading;
  const { id, type, connectorTypes } = authenticator;
  const path = `mfa.authenticators[${index}]`;
  if (id === "") findings.refuse("setup", `${path}.id`, "mfa.authenticators: authenticator must have an id");
  else if (file.mfa.authenticators.findIndex((other) => other.id === id) < index) {
    findings.refuse("setup", `${path}.id`, `mfa.authenticators: duplicate authenticator id ${quoteGo(id)}`);
  }
  if (type === "TOTP") {
    const config = readConfig(reading, totpSchema, type, path);
    return config && { type, id, connectorTypes, issuer: config.issuer };
  }
  if (type === "WebAuthn") return readWebauthn(reading, id, connectorTypes, path);
  const meant = didYouMean(type, ["TOTP", "WebAuthn"]);
  findings.refuse(
    "setup",
    `${path}.type`,
    `mfa.authenticators: unknown type ${quoteGo(type)} for authenticator ${quoteGo(id)}`,
    meant === undefined ? { hint: "TOTP or WebAuthn" } : { didYouMean: meant },
  );
  return undefined;
}

/**
 * A factor that cannot be built refuses the file. Dex logs it and drops it from every chain, and a chain
 * that ran empty counts as satisfied: one typing slip would switch the second factor off.
 */
function readConfig<Schema extends z.ZodObject>(
  { aligner, findings }: Reading,
  schema: Schema,
  type: string,
  path: string,
): z.output<Schema> | undefined {
  const tree = aligner.block(`${path}.config`);
  if (tree?.kind !== "map") {
    const found =
      tree === undefined
        ? "there is no config"
        : `json: cannot unmarshal ${jsonKind(tree)} into Go value of type object`;
    findings.refuse("setup", `${path}.config`, `failed to parse ${type} config: ${found}`, { hint: "config: {}" });
    return undefined;
  }
  return schema.parse(aligner.object(tree, schema, `${path}.config`));
}

function readWebauthn(
  reading: Reading,
  id: string,
  connectorTypes: readonly string[],
  path: string,
): WebauthnConfig | undefined {
  const config = readConfig(reading, webauthnSchema, "WebAuthn", path);
  if (config === undefined) return undefined;
  const { findings } = reading;
  const { timeout: text, ...rest } = config;
  const choices = {
    attestationPreference: ["none", "indirect", "direct"],
    userVerification: ["required", "preferred", "discouraged"],
    authenticatorAttachment: ["platform", "cross-platform"],
  } as const;
  for (const key of ["attestationPreference", "userVerification", "authenticatorAttachment"] as const) {
    const known: readonly string[] = choices[key];
    if (rest[key] === "" || known.includes(rest[key])) continue;
    const message = `failed to create WebAuthn provider: unknown ${key} ${quoteGo(rest[key])}`;
    findings.refuse("setup", `${path}.config.${key}`, message, { hint: known.join(", ") });
  }
  if (rest.firstFactor) checkFirstFactor(reading, { ...rest, connectorTypes }, path);
  const prefix = `failed to create WebAuthn provider: invalid timeout ${quoteGo(text ?? "")}: `;
  const timeout = readDuration(findings, `${path}.config.timeout`, text, prefix);
  return { type: "WebAuthn", id, connectorTypes, ...rest, ...(timeout === undefined ? {} : { timeout }) };
}

/** What a passkey in place of a password takes; anything less would be a way in for somebody else, or for nobody. */
function checkFirstFactor(
  { file, findings }: Reading,
  { userVerification, connectorTypes }: Pick<WebauthnConfig, "userVerification" | "connectorTypes">,
  path: string,
): void {
  const key = `${path}.config.firstFactor`;
  const refuse = (message: string, hint: string): void =>
    findings.refuse("setup", key, `failed to create WebAuthn provider: firstFactor ${message}`, { hint });
  if (userVerification === "preferred" || userVerification === "discouraged") {
    refuse(`does not go with userVerification ${quoteGo(userVerification)}`, "userVerification: required, or none");
  }
  if (!file.enablePasswordDB) refuse("is for people of the password database", "enablePasswordDB: true");
  if (connectorTypes.length > 0 && !connectorTypes.includes("local")) {
    refuse("is for people of the password database, whom connectorTypes leaves out", "connectorTypes: [local]");
  }
}

function checkChains({ file, findings }: Reading): void {
  const known = file.mfa.authenticators.map(({ id }) => id);
  const check = (chain: readonly string[], path: string, message: (id: string) => string): void => {
    for (const [index, id] of chain.entries()) {
      if (known.includes(id)) continue;
      const meant = didYouMean(id, known);
      findings.refuse("setup", `${path}[${index}]`, message(id), meant === undefined ? {} : { didYouMean: meant });
    }
  };
  check(
    file.mfa.defaultMFAChain,
    "mfa.defaultMFAChain",
    (id) => `mfa.defaultMFAChain: references unknown authenticator ${quoteGo(id)}`,
  );
  for (const [index, client] of file.staticClients.entries()) {
    const message = (id: string): string =>
      `staticClients: client ${quoteGo(client.id)} references unknown MFA authenticator ${quoteGo(id)}`;
    check(client.mfaChain ?? [], `staticClients[${index}].mfaChain`, message);
  }
}
