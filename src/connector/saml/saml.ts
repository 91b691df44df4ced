/**
 * SAML 2.0, as a service provider: the person is sent to an identity provider with a request and comes back with a
 * form that holds its signed answer. This folder owns the messages; what a message must prove is in `read-response.ts`
 * (whose word it is) and `check-response.ts` (whether it answers us), and both end in a `SamlRefusal` by name.
 * SAML Profiles §4.1, §4.4.
 */
import type { Secret } from "../../kernel/secret.ts";
import { defineConnector, type Login, type LoginResult } from "../contract.ts";
import { unpackIdentity } from "./cached-identity.ts";
import { samlConfig } from "./config.ts";
import { diagnoseIdp } from "./diagnose.ts";
import { begin, finish } from "./login.ts";
import { openParts } from "./parts.ts";
import { idpProbe } from "./probe-idp.ts";
import { hearLogout, logout } from "./single-logout.ts";

export const saml = defineConnector({
  type: "saml",
  config: samlConfig,
  about: { refresh: true, groups: true, preferredUsername: true, logout: true, tokenExchange: false, status: "stable" },
  diagnose: diagnoseIdp,
  open: async (config, deps) => {
    const parts = await openParts(config, deps);
    return {
      kind: "redirect" as const,
      returnsBy: "post" as const,
      begin: (_callback, state, login) => begin(parts, state, login),
      finish: (callback, remember, login) => finish(parts, callback, remember, login),
      logout: (request, { trail, signal }) => logout(parts, request, trail, signal),
      hearLogout: (message, { trail, signal }) => hearLogout(parts, message, trail, signal),
      refresh: async (identity, login) => refresh(identity.connectorData, login),
      probe: idpProbe(parts.idp, deps),
      close: async () => parts.idp.close(),
    };
  },
});

/** compat(dex): the identity of the login, since SAML has no way to ask again. */
function refresh(connectorData: Secret<Uint8Array> | undefined, { scopes }: Login): LoginResult {
  const { nameId: _, groups, preferredUsername, ...cached } = unpackIdentity(connectorData?.reveal());
  return {
    ok: true,
    identity: {
      ...cached,
      groups: scopes.groups ? groups : [],
      ...(preferredUsername === "" ? {} : { preferredUsername }),
    },
  };
}
