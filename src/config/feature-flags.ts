/** The environment as the composition root hands it over. Only `cli/` reads the real one. */
export type Env = Readonly<Record<string, string | undefined>>;

/** The variable's value, empty where it is not set. Names come from the file: `constructor` is one, and none of the object's own. */
export const variable = (env: Env, name: string): string => (Object.hasOwn(env, name) ? (env[name] ?? "") : "");

/** What every flag is called, and what it means when the environment is silent. */
const defaults = {
  DEX_ENT_ENABLED: false,
  DEX_EXPAND_ENV: true,
  DEX_API_CONNECTORS_CRUD: false,
  DEX_CONTINUE_ON_CONNECTOR_FAILURE: true,
  DEX_CONFIG_DISALLOW_UNKNOWN_FIELDS: false,
  DEX_CLIENT_CREDENTIAL_GRANT_ENABLED_BY_DEFAULT: false,
  // Dex's default is off; here sessions are part of the product and the flag only turns them off.
  DEX_SESSIONS_ENABLED: true,
  DEX_API_SESSIONS_IDENTITIES_CRUD: false,
} as const;

export type FeatureFlag = keyof typeof defaults;
export type FeatureFlags = Readonly<Record<FeatureFlag, boolean>>;

const flagNames = Object.keys(defaults).filter((name): name is FeatureFlag => name in defaults);

/** Go's spellings of a boolean, and no others: `yes` and `on` are not among them. Undefined for the rest. */
export function parseGoBool(text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined;
  if (["1", "t", "T", "TRUE", "true", "True"].includes(text)) return true;
  if (["0", "f", "F", "FALSE", "false", "False"].includes(text)) return false;
  return undefined;
}

export const readFeatureFlags = (env: Env): FeatureFlags => ({
  ...defaults,
  ...Object.fromEntries(flagNames.map((name) => [name, parseGoBool(env[name]) ?? defaults[name]])),
});

/** Flags whose value is no boolean and therefore does nothing: `DEX_EXPAND_ENV=no` leaves expansion on. */
export const unreadableFlags = (env: Env): readonly FeatureFlag[] =>
  flagNames.filter((name) => (env[name] ?? "") !== "" && parseGoBool(env[name]) === undefined);
