import { grantTypes } from "../oauth/grant-type.ts";
import { parseScope, scopes as scopeNames } from "../oauth/scope.ts";
import type { Client } from "../storage/records.ts";
import { mustAuthorize } from "../token/authorize.ts";
import { mintTokens } from "../token/id-token.ts";
import { trustedBy } from "../token/trusted-peers.ts";
import { answerOf } from "./answer-of.ts";
import type { Grant } from "./contract.ts";

/**
 * RFC 6749 §4.4: the client itself is the subject, under its own id and no connector. No scope at all is fine; an ID
 * token needs `openid`. compat(dex): server/grants/clientcredentials.go.
 */
export const clientCredentialsGrant: Grant = {
  grantType: grantTypes.clientCredentials,
  async redeem(params, { client, trail }, deps) {
    const scopes = parseScope(params.get("scope") ?? "");
    const authorized = mustAuthorize(
      {
        client,
        grant: grantTypes.clientCredentials,
        connector: undefined,
        subject: { userId: client.id, connectorId: "" },
        claims: claimsOfClient(client),
        scopes,
        trustedBy: await trustedBy(client.id, scopes, deps.storage.clients),
        missingFactors: [],
        blockedUntil: 0,
        now: deps.clock.now(),
      },
      trail,
    );
    const nonce = params.get("nonce") ?? "";
    const id = scopes.includes(scopeNames.openid);
    return answerOf(await mintTokens(authorized, { nonce, access: true, id }, deps.mint), deps);
  },
};

const claimsOfClient = (client: Client) => ({
  userId: client.id,
  username: client.name,
  preferredUsername: client.name,
  email: "",
  emailVerified: false,
  groups: client.clientCredentialsGroups,
});
