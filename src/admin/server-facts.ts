import type { DexMethods } from "./api-messages.ts";
import type { Methods } from "./contract.ts";

/** compat(dex): of the API that `api.proto` describes. */
const apiVersion = 4;

export const serverMethods: Pick<Methods<DexMethods>, "GetVersion" | "GetDiscovery"> = {
  GetVersion: async (_request, { version }) => ({ server: version, api: apiVersion }),
  GetDiscovery: (_request, { discovery }) => discovery(),
};
