import type { AdminCommand, AdminFlag, Given } from "./contract.ts";
import { exitCodes, notFound, unlessMissing } from "./contract.ts";
import { readSecret, secretFlags } from "./read-secret.ts";

const fields: Readonly<Record<string, AdminFlag>> = {
  name: { kind: "text", summary: "Name that people see" },
  "redirect-uri": { kind: "list", summary: "Where answers go; may be repeated" },
  "trusted-peer": { kind: "list", summary: "Client that may ask for tokens for this one; may be repeated" },
  "logo-url": { kind: "text", summary: "Picture on the consent page" },
  "allowed-connector": { kind: "list", summary: "Connector that people may come from; may be repeated" },
  "sso-shared-with": { kind: "list", summary: "Client that shares the session; may be repeated" },
  "backchannel-logout-uri": { kind: "text", summary: "Address that hears of logouts" },
  "post-logout-redirect-uri": { kind: "list", summary: "Where people go after a logout; may be repeated" },
  "refresh-token-lifetime": { kind: "text", summary: "standalone, or session" },
};

const fieldsOf = ({ text, list }: Given) => ({
  name: text("name"),
  redirect_uris: list("redirect-uri"),
  trusted_peers: list("trusted-peer"),
  logo_url: text("logo-url"),
  allowed_connectors: list("allowed-connector"),
  sso_shared_with: list("sso-shared-with"),
  post_logout_redirect_uris: list("post-logout-redirect-uri"),
});

export const clientCommands: readonly AdminCommand[] = [
  {
    words: "client list",
    summary: "List all clients",
    args: [],
    flags: {},
    async run({ dex }) {
      const answer = await dex.ListClients();
      const rows = answer.clients.map(({ id, name, public: isPublic, redirect_uris: uris }) => [
        id,
        name,
        isPublic ? "yes" : "no",
        uris.join(" "),
      ]);
      return { answer, table: { head: ["ID", "NAME", "PUBLIC", "REDIRECT URIS"], rows } };
    },
  },
  {
    words: "client get",
    summary: "Show one client",
    args: ["id"],
    flags: {},
    async run({ dex }, { args: [id = ""] }) {
      const answer = await dex.GetClient({ id });
      const { client } = answer;
      if (client === null) return notFound(answer, `client ${id}`);
      return {
        answer,
        facts: {
          id: client.id,
          name: client.name,
          public: client.public ? "yes" : "no",
          secret: client.secret === "" ? "(not shown)" : "(in clear: --json shows it)",
          "redirect URIs": client.redirect_uris.join(" "),
          "trusted peers": client.trusted_peers.join(" "),
          "allowed connectors": client.allowed_connectors.join(" ") || "all",
          "SSO shared with": client.sso_shared_with.join(" ") || "(as the server is configured)",
          "back-channel logout URI": client.backchannel_logout_uri,
          "post-logout redirect URIs": client.post_logout_redirect_uris.join(" "),
          "refresh token lifetime": client.refresh_token_lifetime || "standalone",
        },
      };
    },
  },
  {
    words: "client create",
    summary: "Create a client; without a secret the server makes one and it is shown this once",
    args: [],
    flags: {
      id: { kind: "text", summary: "Its id; made up by the server where it is left out" },
      public: { kind: "switch", summary: "It has no secret: it proves itself by PKCE alone" },
      ...secretFlags("secret"),
      ...fields,
    },
    async run({ dex }, given) {
      const secret = await readSecret("secret", given);
      const client = {
        ...fieldsOf(given),
        id: given.text("id"),
        public: given.has("public"),
        secret,
        backchannel_logout_uri: given.text("backchannel-logout-uri"),
        refresh_token_lifetime: given.text("refresh-token-lifetime"),
      };
      const answer = await dex.CreateClient({ client });
      if (answer.client === null)
        return { answer, said: `client ${client.id} exists already`, code: exitCodes.alreadyExists };
      const made = secret === "" ? answer.client.secret : "";
      return { answer, facts: { id: answer.client.id, ...(made === "" ? {} : { secret: made }) } };
    },
  },
  {
    words: "client update",
    summary: "Change what is given, and nothing else; lists are replaced",
    args: ["id"],
    flags: fields,
    async run({ dex }, given) {
      const [id = ""] = given.args;
      const optional = (flag: string) => (given.has(flag) ? given.text(flag) : undefined);
      const answer = await dex.UpdateClient({
        ...fieldsOf(given),
        id,
        backchannel_logout_uri: optional("backchannel-logout-uri"),
        refresh_token_lifetime: optional("refresh-token-lifetime"),
      });
      return unlessMissing(answer, `client ${id}`, `client ${id} updated`);
    },
  },
  {
    words: "client delete",
    summary: "Delete a client",
    args: ["id"],
    flags: {},
    async run({ dex }, { args: [id = ""] }) {
      return unlessMissing(await dex.DeleteClient({ id }), `client ${id}`, `client ${id} deleted`);
    },
  },
  {
    words: "client rotate-secret",
    summary: "Give a client a new secret, shown this once; the old one ends",
    args: ["id"],
    flags: {},
    async run({ admin }, { args: [id = ""] }) {
      const answer = await admin.RotateClientSecret({ id });
      return answer.not_found ? notFound(answer, `client ${id}`) : { answer, facts: { id, secret: answer.secret } };
    },
  },
];
