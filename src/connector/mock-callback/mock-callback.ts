import { z } from "zod";
import { Secret } from "../../kernel/secret.ts";
import { defineConnector, type Identity } from "../contract.ts";

/** compat(dex): the person of connector/mock, whom tests all over the world know. */
const kilgore: Identity = {
  userId: "0-385-28089-0",
  username: "Kilgore Trout",
  email: "kilgore@kilgore.trout",
  emailVerified: true,
  groups: ["authors"],
  connectorData: new Secret(Buffer.from("foobar")),
};

/** Signs everybody in as Kilgore Trout, by a redirect to our own callback. For trying things out. */
export const mockCallback = defineConnector({
  type: "mockCallback",
  config: z.object({}).nullish(),
  about: {
    refresh: true,
    groups: true,
    preferredUsername: false,
    logout: false,
    tokenExchange: true,
    status: "stable",
  },
  open: async () => ({
    kind: "redirect" as const,
    returnsBy: "redirect" as const,
    begin: async (callback, state) => {
      const to = new URL(callback);
      to.searchParams.set("state", state());
      return { kind: "redirect" as const, to };
    },
    finish: async () => ({ ok: true as const, identity: kilgore }),
    refresh: async () => ({ ok: true as const, identity: kilgore }),
    identify: async () => ({ ok: true as const, identity: kilgore }),
  }),
});
