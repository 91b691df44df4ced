import type { AdminMethods } from "./admin-messages.ts";
import type { DexMethods } from "./api-messages.ts";
import { clientMethods, clientSecretMethods } from "./clients.ts";
import { connectorMethods } from "./connectors.ts";
import type { Methods } from "./contract.ts";
import { factorMethods } from "./factors.ts";
import { blockMethods, identityMethods } from "./identities.ts";
import { keyMethods } from "./keys.ts";
import { lockoutMethods } from "./lockouts.ts";
import { passwordMethods } from "./passwords.ts";
import { familyMethods, refreshMethods } from "./refresh-tokens.ts";
import { serverMethods } from "./server-facts.ts";
import { sessionMethods } from "./sessions.ts";

/** Everything that `api.Dex` can do. */
export const dexMethods: Methods<DexMethods> = {
  ...clientMethods,
  ...passwordMethods,
  ...connectorMethods,
  ...serverMethods,
  ...refreshMethods,
  ...sessionMethods,
  ...identityMethods,
  ...factorMethods,
};

/** Everything that `dexts.Admin` can do. */
export const adminMethods: Methods<AdminMethods> = {
  ...clientSecretMethods,
  ...familyMethods,
  ...blockMethods,
  ...lockoutMethods,
  ...keyMethods,
};
