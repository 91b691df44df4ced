import { z } from "zod";
import { Secret } from "../../kernel/secret.ts";
import { secretEqual } from "../../kernel/secret-equal.ts";
import { defineConnector, type Identity } from "../contract.ts";

const config = z.object({
  username: z.string("no username supplied").min(1, "no username supplied").describe("The one name that is accepted."),
  password: z.string("no password supplied").min(1, "no password supplied").describe("Its password, in clear."),
});

/** compat(dex): connector/mock; without groups, unlike the callback's. */
const kilgore: Identity = {
  userId: "0-385-28089-0",
  username: "Kilgore Trout",
  email: "kilgore@kilgore.trout",
  emailVerified: true,
  groups: [],
  connectorData: new Secret(Buffer.from('{"test": "true"}')),
};

/** Signs one configured name and password in as Kilgore Trout. For trying things out. */
export const mockPassword = defineConnector({
  type: "mockPassword",
  config,
  about: {
    refresh: true,
    groups: false,
    preferredUsername: false,
    logout: false,
    tokenExchange: false,
    status: "stable",
  },
  open: async ({ username, password }) => ({
    kind: "password" as const,
    prompt: "",
    login: async (name, secret) => {
      // Both are compared whatever the first says.
      const isName = secretEqual(name, username);
      return secretEqual(secret.reveal(), password) && isName
        ? { ok: true as const, identity: kilgore }
        : { ok: false as const, reason: "wrong_credentials" as const };
    },
    refresh: async (identity) => ({ ok: true as const, identity }),
  }),
});
