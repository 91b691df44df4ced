import { authorizationCodeGrant } from "./authorization-code.ts";
import type { Grant } from "./contract.ts";
import { refreshTokenGrant } from "./refresh-token.ts";

/** Every grant the token endpoint knows; the configuration chooses among them. */
export const grants: readonly Grant[] = [authorizationCodeGrant, refreshTokenGrant];
